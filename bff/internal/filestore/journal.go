package filestore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

const (
	journalName   = "sessions.jsonl"
	lockName      = "sessions.lock"
	journalFormat = 1
	// slack is how many superseded lines a journal may hold whatever its size.
	slack = 1000
)

// journal is the file behind a Store: JSON lines, only ever appended to, and
// replaced as a whole now and then (see successor). A line is handed to the
// operating system before the call that caused it is answered, so killing the
// process loses nothing that was confirmed to a caller; losing a rotation would make the
// browser's next refresh look like theft. Lines are flushed to the disk once a
// minute and at Close, not one by one: a power cut may cost the last of them,
// and at worst signs out who refreshed in that minute.
type journal struct {
	path string
	lock *os.File
	log  *slog.Logger

	file     *os.File
	size     int64 // of the whole lines in file
	lines    int
	broken   bool // file may not be appended to
	unsynced bool
	// successor is being written, to take this one's place; nil mostly.
	successor *successor
	// retryAt: after a compaction that failed, calls begin none below so many lines.
	retryAt int
}

// ErrInUse: another process has the folder.
var ErrInUse = errors.New("in use by another gatehouse process")

// openJournal locks dir for this process. The caller replays and rewrites.
func openJournal(dir string, log *slog.Logger) (*journal, error) {
	if err := textfile.MakeFolder(dir); err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("filestore: %s is %w: stop that one, or choose another DATA_DIR", dir, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	return &journal{path: filepath.Join(dir, journalName), lock: lock, log: log, broken: true}, nil
}

// replay calls apply with every entry. whole reports that there was a journal and
// that its end was not dropped: without that the ends of sessions may be
// missing, whose access tokens outlive the process.
func (j *journal) replay(apply func(entry)) (whole bool, err error) {
	file, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("filestore: %w", err)
	}
	defer file.Close()
	dropped, err := readLines(file, j.path, func(_ []byte, e entry) error {
		apply(e)
		return nil
	})
	if dropped != "" {
		j.log.Warn("dropped the last line, which is "+dropped, "file", j.path)
	}
	return err == nil && dropped == "", err
}

// readLines gives each line of a journal to use. What follows the last whole
// line was being written when the process died: it was not confirmed to any
// caller, and it is dropped. So is a last line of garbage, which a power cut
// leaves. Garbage before that is refused rather than skipped, because the line
// may be the end of a session, or a rotation, and without it a session would
// come back or look stolen.
func readLines(from io.Reader, path string, use func(line []byte, e entry) error) (dropped string, err error) {
	in := bufio.NewReader(from)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				return "unfinished", nil
			}
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("filestore: read %s: %w", path, err)
		}
		e, err := parseLine(line)
		if err == nil {
			if err := use(line, e); err != nil {
				return "", err
			}
			continue
		}
		if _, atEnd := in.Peek(1); errors.Is(atEnd, io.EOF) && !errors.Is(err, errNewer) {
			return "unreadable", nil
		}
		return "", fmt.Errorf("filestore: %s, line %d: %w; moving the file away signs everybody out and loses nothing else", path, number, err)
	}
}

var (
	errNewer   = errors.New("written by a newer version of gatehouse")
	errGarbage = errors.New("not a line of a session journal")
)

func parseLine(line []byte) (entry, error) {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return entry{}, fmt.Errorf("%w: %w", errGarbage, err)
	}
	if e.Journal > journalFormat {
		return entry{}, errNewer
	}
	if e.Journal == 0 && e.Put == nil && e.End == nil && e.Announce == nil {
		return entry{}, errGarbage
	}
	return e, nil
}

// append writes the entries in one piece: all or, after a replay, none or the
// first of them, and then it was not confirmed to the caller.
func (j *journal) append(entries []entry) error {
	if j.broken {
		if err := j.mend(); err != nil {
			return fmt.Errorf("filestore: %s cannot be written: %w", j.path, err)
		}
	}
	text, err := encode(entries)
	if err != nil {
		return err
	}
	err = j.write(text)
	if err != nil && j.giveWay() {
		err = j.write(text)
	}
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	j.size += int64(len(text))
	j.lines += len(entries)
	j.unsynced = true
	return nil
}

func (j *journal) write(text []byte) error {
	if j.broken {
		return errBroken
	}
	_, err := j.file.Write(text)
	if err != nil {
		// A full disk leaves half a line, and the next one would be glued to
		// it: both unreadable, in the middle of the file.
		j.broken = j.file.Truncate(j.size) != nil
	}
	return err
}

var errBroken = errors.New("half a line at its end cannot be cut off")

// mend tries again what left the file unusable.
func (j *journal) mend() error {
	if j.file == nil {
		if err := j.reopen(); err != nil {
			return err
		}
	}
	err := j.file.Truncate(j.size)
	j.broken = err != nil
	return err
}

func encode(entries []entry) ([]byte, error) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	for _, e := range entries {
		if err := out.Encode(e); err != nil {
			return nil, fmt.Errorf("filestore: %w", err)
		}
	}
	return text.Bytes(), nil
}

// wasteful reports whether most lines no longer say anything.
func (j *journal) wasteful(live int) bool { return j.lines > 2*live+slack }

func (j *journal) reopen() error {
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	j.file, j.broken = file, err != nil
	return err
}

// close ends the use of the folder. The lock goes last.
func (j *journal) close() error {
	var err error
	if j.file != nil {
		err = errors.Join(j.file.Sync(), j.file.Close())
	}
	j.file, j.broken = nil, true
	return errors.Join(err, j.lock.Close())
}
