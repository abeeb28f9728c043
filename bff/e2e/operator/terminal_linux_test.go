package operator

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// terminal makes a pseudoterminal (pty(7)): whoever holds the first end is the
// window, the second is what a shell in it has.
func terminal(t *testing.T) (window, inside *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { window.Close() })
	raw, err := window.SyscallConn() // Fd would make it blocking, and Close wait for a Read
	if err != nil {
		t.Fatal(err)
	}
	ask := func(request uintptr, value *uint32) {
		err := raw.Control(func(fd uintptr) {
			if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value))); errno != 0 {
				t.Error(errno)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
	var locked, number uint32
	ask(syscall.TIOCSPTLCK, &locked)
	ask(syscall.TIOCGPTN, &number)
	inside, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return window, inside
}

// A server in a terminal ends with it: SIGHUP is what a closed window sends,
// too. Had it only read its routes again, port and DATA_DIR would be taken
// until somebody finds the process.
func TestClosedTerminalEndsTheServer(t *testing.T) {
	one := site.NamedUpstream(t, "one")
	routes := site.NewRoutesFile(t, site.PublicRow("/api/one", one.URL))
	s := site.NewBinary(t, site.BuildBinary(t), "ROUTES_FILE", routes.Name)
	window, inside := terminal(t)
	s.Cmd.Stdin, s.Cmd.Stdout, s.Cmd.Stderr = inside, inside, inside
	s.Cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	shown := make(chan struct{})
	go func() { _, _ = io.Copy(s.Logs, window); close(shown) }()
	s.Run()
	inside.Close()

	// An operator's SIGHUP, while the window is there, is about the routes.
	s.SendHangup()
	s.Eventually("the routes to be reloaded", func() bool { return len(s.Logged(reloaded)) > 0 })
	s.Browser().Do("GET", "/api/one", nil).Want(t, 200)
	if s.HasExited() {
		t.Fatal("it ended")
	}
	window.Close()
	<-shown
	s.Eventually("the server to end", s.HasExited)
	if s.Cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, want exit code 1, after a drain", s.Cmd.ProcessState)
	}
}
