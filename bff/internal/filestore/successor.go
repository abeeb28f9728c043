package filestore

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// successor is the file that is to take a journal's place. It is written while
// calls go on, which append to the journal as ever: first what the store holds,
// piece by piece as it is when its turn comes, then the lines that the journal
// got since that began. Each line says all about one session, and so a session
// that was written too early or too late is put right by its own last line. The
// journal is complete until the successor is, and has its place in one step: a
// crash at any moment leaves either.
type successor struct {
	file   *os.File
	out    *bufio.Writer
	lines  *json.Encoder
	number int // of lines from the snapshot

	// since is how far the journal, opened once more as old, has been carried
	// over; its lines until then are in the snapshot.
	since int64
	old   *os.File // nil when there is nothing to carry over

	gaveWay bool // guarded by the store's lock
}

const (
	// snapshotStep is how many sessions are copied at a time with the lock held.
	snapshotStep = 256
	// snapshotBuffer bounds what of a successor is in memory.
	snapshotBuffer = 64 << 10
	// swapRest is so little that the lock may be held while it is carried over.
	swapRest = 64 << 10
	// carryRounds is how often carrying over is tried without the lock: calls
	// that write faster than this are held up for the last of it.
	carryRounds = 20
)

var (
	errGaveWay = errors.New("given up, because calls could not be written while it took the disk's last space")
	errEnded   = errors.New("the store was closed")
)

func (j *journal) newName() string { return j.path + ".new" }

// beginSuccessor opens a successor. The lock is not held, but for changes of
// j.successor.
func (j *journal) beginSuccessor(since int64) (*successor, error) {
	// A left-over of a crash, perhaps with another mode.
	if err := removeIfThere(j.newName()); err != nil {
		return nil, err
	}
	n := &successor{since: since}
	var err error
	if since > 0 {
		if n.old, err = os.Open(j.path); err != nil {
			return nil, err
		}
	}
	n.file, err = os.OpenFile(j.newName(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, n.closeOld())
	}
	n.out = bufio.NewWriterSize(n.file, snapshotBuffer)
	n.lines = json.NewEncoder(n.out)
	n.lines.SetEscapeHTML(false)
	return n, nil
}

func (n *successor) add(e entry) error {
	n.number++
	return n.lines.Encode(e)
}

// carryOver copies the journal's whole lines up to until.
func (n *successor) carryOver(until int64) error {
	if until == n.since {
		return nil
	}
	copied, err := io.Copy(n.out, io.NewSectionReader(n.old, n.since, until-n.since))
	if err == nil && copied < until-n.since {
		err = io.ErrUnexpectedEOF
	}
	n.since = until
	return errors.Join(err, n.out.Flush())
}

func (n *successor) closeOld() error {
	if n.old == nil {
		return nil
	}
	err := n.old.Close()
	n.old = nil
	return err
}

// discard takes away what never got into the journal's place.
func (n *successor) discard(j *journal) error {
	if n.file == nil {
		return nil
	}
	err := errors.Join(n.file.Close(), removeIfThere(j.newName()))
	n.file = nil
	return err
}

// swap carries over the rest and puts n in the journal's place. linesBefore is
// how many lines the journal had when n was begun. The lock is held.
func (j *journal) swap(n *successor, linesBefore int) error {
	if err := n.carryOver(j.size); err != nil {
		return err
	}
	size, err := n.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	// Windows renames neither an open file nor over one. Elsewhere the old one
	// stays open: freeing it takes tens of milliseconds, and calls wait here.
	file := n.file
	n.file = nil
	err = file.Close()
	if runtime.GOOS == "windows" {
		err = errors.Join(err, n.closeOld())
	}
	if err != nil {
		return errors.Join(err, removeIfThere(j.newName()))
	}
	if j.file != nil {
		if err := j.file.Close(); err != nil {
			j.log.Warn("closing the old session journal", "error", err)
		}
		j.file = nil
	}
	wasBroken := j.broken
	j.broken = true
	if err := os.Rename(j.newName(), j.path); err != nil {
		err = errors.Join(err, removeIfThere(j.newName()))
		if !wasBroken { // the old file is as good as before
			err = errors.Join(err, j.reopen())
		}
		return err
	}
	j.lines, j.size, j.unsynced = n.number+j.lines-linesBefore, size, true
	return nil
}

// giveWay gives the space of an unfinished successor back to the disk, and
// reports whether there was any: a call that can be written is worth more than
// a shorter journal. The lock is held.
func (j *journal) giveWay() bool {
	if j.successor == nil || j.successor.gaveWay {
		return false
	}
	j.successor.gaveWay = true
	return os.Truncate(j.newName(), 0) == nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
