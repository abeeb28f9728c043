//go:build unix

package operator

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// DATA_DIR may be readable to others, and the socket's folder left open to all.
func TestSocketIsForItsOwnAccountOnly(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, SocketFolder), 0o777); err != nil {
		t.Fatal(err)
	}
	listening(t, dir, nil)
	for file, want := range map[string]fs.FileMode{filepath.Join(dir, SocketFolder): 0o700, socketFile(dir): 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %s", file, info.Mode(), err, want)
		}
	}
}
