package operator

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestAnotherAccountCannotConnect(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another account")
	}
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listening(t, dir, nil)
	asNobody := func(do func() error) error {
		result := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
			const nobody = 65534
			if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), nobody, ^uintptr(0)); errno != 0 {
				result <- errno
				return
			}
			result <- do()
		}()
		return <-result
	}
	connects := func() error {
		conn, err := dialSocket(t.Context(), dir)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := asNobody(connects); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, want %v", err, fs.ErrPermission)
	}
	if err := asNobody(func() error { return Alive(t.Context(), dir) }); !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNoServer) {
		t.Errorf("%v, want %v", err, fs.ErrPermission)
	}
	// The socket's own mode is enough when the folder is open.
	if err := os.Chmod(filepath.Join(dir, SocketFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := asNobody(connects); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, want %v", err, fs.ErrPermission)
	}
	// The other account can connect to an open socket: the test can fail.
	if err := os.Chmod(socketFile(dir), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := asNobody(connects); err != nil {
		t.Error(err)
	}
}
