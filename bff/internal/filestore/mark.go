package filestore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// Mark is what a folder's journal said at one moment. Another process may have
// the folder open, and go on: a journal is only appended to, and one that has
// been replaced is still there for who has opened it.
type Mark struct {
	file *os.File // nil: there was no journal
	size int64
}

// MarkJournal takes the moment. Close the Mark after use.
func MarkJournal(dir string) (*Mark, error) {
	file, err := os.Open(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return &Mark{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("filestore: %w", errors.Join(err, file.Close()))
	}
	return &Mark{file, info.Size()}, nil
}

// Copy makes dir, which must have no journal yet, a folder to open a Store on
// that holds what was confirmed to callers by that moment. It is on the disk
// when Copy returns.
func (m *Mark) Copy(ctx context.Context, dir string) (err error) {
	if err := textfile.MakeFolder(dir); err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	if m.file == nil {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(dir, journalName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("filestore: %w", err)
	}
	out := bufio.NewWriterSize(file, snapshotBuffer)
	// What is unfinished or unreadable at its end was being written.
	_, err = readLines(io.NewSectionReader(m.file, 0, m.size), m.file.Name(), func(line []byte, _ entry) error {
		_, err := out.Write(line)
		return errors.Join(err, ctx.Err())
	})
	if err = errors.Join(err, out.Flush(), file.Sync(), file.Close()); err == nil {
		err = textfile.SyncFolder(dir)
	}
	if err != nil {
		return fmt.Errorf("filestore: copy the sessions: %w", err)
	}
	return nil
}

// Close lets go of the journal.
func (m *Mark) Close() error {
	if m.file == nil {
		return nil
	}
	return m.file.Close()
}
