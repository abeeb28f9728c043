//go:build unix

package textfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadingAlwaysEnds(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(pipe, time.Millisecond); !errors.Is(err, errSilent) {
		t.Errorf("a pipe that nothing writes into: %v", err)
	}
	mute, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mute.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(pipe, time.Millisecond); !errors.Is(err, errSilent) {
		t.Errorf("a pipe that stays open: %v", err)
	}
	if err := mute.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Read("/dev/zero")
	if named, ok := errors.AsType[*fs.PathError](err); !errors.Is(err, errTooBig) || !ok || named.Path != "/dev/zero" {
		t.Errorf("/dev/zero: %v", err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Secret managers mount pipes, and a shell makes one of <(…).
func TestPipesAreRead(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		written := make(chan error, 1)
		go func() { written <- os.WriteFile(pipe, []byte("\xef\xbb\xbfa secret\n"), 0) }()
		if text, err := read(pipe, time.Minute); err != nil || string(text) != "\xef\xbb\xbfa secret\n" {
			t.Errorf("%q, %v", text, err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	}
}

func TestFilesAreReadAsUTF8(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	for content, want := range map[string]string{"": "", "a\n": "a\n", "\xef\xbb\xbfa": "a", "\xff\xfea\x00": "read " + file + ": "} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := Read(file)
		if got := string(text); err == nil && got != want || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %q, %v; want %q", content, got, err, want)
		}
	}
}
