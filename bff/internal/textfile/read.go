package textfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// maxSize is more than any file has that is written by hand: of /dev/zero the
	// process would read until it is killed.
	maxSize = 16 << 20
	// pipeWait is for who writes into a pipe. A read without an end held up a
	// reload, all that come after it, and the end of the process.
	pipeWait = 5 * time.Second
	pipeStep = 10 * time.Millisecond
)

var (
	errTooBig = errors.New("has more than 16 MiB: it is another file than was meant")
	errSilent = errors.New("is a pipe, and within 5 seconds nothing has written all of a text into it; name a file")
)

// Read gives a file's text as UTF8 does. It always ends: a pipe gets five seconds,
// and a file that is too big is an error. Errors name the file.
func Read(file string) ([]byte, error) {
	text, err := read(file, pipeWait)
	if err == nil {
		text, err = UTF8(text)
	}
	if _, named := errors.AsType[*fs.PathError](err); err != nil && !named {
		err = &fs.PathError{Op: "read", Path: file, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

func read(file string, wait time.Duration) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeNamedPipe == 0 {
		return bounded(f)
	}
	// Reading fails once it is closed.
	end := time.AfterFunc(wait, func() { _ = f.Close() })
	defer end.Stop()
	for {
		text, err := bounded(f)
		switch {
		case errors.Is(err, os.ErrClosed):
			return nil, errSilent
		case err != nil || len(text) > 0:
			return text, err
		}
		// It is empty as long as nothing has opened it for writing.
		time.Sleep(pipeStep)
	}
}

func bounded(f *os.File) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		return nil, errTooBig
	}
	return text, err
}
