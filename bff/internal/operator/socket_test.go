package operator

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// listening starts a Server on dir; change may edit it before it serves.
func listening(t *testing.T, dir string, change func(*http.Server)) *Server {
	t.Helper()
	s, err := Listen(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s.server)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s
}

// leftSocket leaves the socket of a server that was killed.
func leftSocket(t *testing.T, dir string) {
	t.Helper()
	l, err := listenSocket(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := os.Lstat(socketFile(dir)); err != nil {
		t.Fatal(err)
	}
}

func TestSocketThatAKilledServerLeftIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := Alive(t.Context(), dir); !errors.Is(err, ErrNoServer) || errors.Is(err, ErrKilled) {
		t.Errorf("before the first start: %v", err)
	}
	leftSocket(t, dir)
	if err := Alive(t.Context(), dir); !errors.Is(err, ErrKilled) || !errors.Is(err, ErrNoServer) {
		t.Errorf("after a kill: %v", err)
	}
	s := listening(t, dir, nil)
	if err := Alive(t.Context(), dir); err != nil {
		t.Errorf("after the next start: %v", err)
	}
	if err := s.Shutdown(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(socketFile(dir)); !os.IsNotExist(err) {
		t.Errorf("after an end: %v", err)
	}
}

// An address holds 104 bytes on some systems and 108 on others.
func TestDataDirWithALongPathHasASocketToo(t *testing.T) {
	for _, length := range []int{1, maxSocketPath, 109, 240} {
		tmp, dir := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", tmp)
		for len(socketFile(dir)) < length {
			dir = filepath.Join(dir, strings.Repeat("d", max(1, min(50, length-len(socketFile(dir))-1))))
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "windows" && len(socketFile(dir)) > maxSocketPath {
			continue // links want a right there
		}
		s := listening(t, dir, nil)
		if err := Alive(t.Context(), dir); err != nil {
			t.Errorf("%d bytes: %v", len(socketFile(dir)), err)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("%d bytes: left in the temporary folder: %v, %v", len(socketFile(dir)), left, err)
		}
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		leftSocket(t, dir)
		if err := Alive(t.Context(), dir); !errors.Is(err, ErrKilled) {
			t.Errorf("%d bytes, after a kill: %v", len(socketFile(dir)), err)
		}
	}
}

func TestLongPathWithoutATemporaryFolderSaysToChooseAShorterOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tmp := range []string{filepath.Join(dir, "missing"), dir} {
		t.Setenv("TMPDIR", tmp)
		if runtime.GOOS == "windows" {
			t.Setenv("TMP", tmp)
		}
		_, err := Listen(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "choose a DATA_DIR with a shorter path") {
			t.Errorf("%s: %v", tmp, err)
		}
	}
}

func TestWhatIsInTheWayOfTheSocketIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(socketFile(dir), "not a socket"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), dir, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), socketFile(dir)) {
		t.Errorf("%v", err)
	}
	_, err := listenSocket(t.Context(), filepath.Join(dir, "missing"))
	if err == nil {
		t.Error("it listens in a folder that is missing")
	}
}

// connections opens n connections and sends text on each.
func connections(t *testing.T, dir, text string, n int) (all []net.Conn) {
	t.Helper()
	for range n {
		conn, err := dialSocket(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	return all
}

func TestClientsThatStallKeepNoOtherFromTheirTurn(t *testing.T) {
	for name, text := range map[string]string{
		"no request": "", "half a header": "POST /command HTTP/1.1\r\nHo", "half a body": "POST /command HTTP/1.1\r\nHost: gatehouse\r\nContent-Length: 100\r\n\r\n{",
	} {
		dir := t.TempDir()
		listening(t, dir, func(s *http.Server) { s.ReadTimeout = 50 * time.Millisecond })
		stalled := connections(t, dir, text, maxConnections)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := Alive(ctx, dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		for _, conn := range stalled {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: a connection is still open", name)
			}
		}
	}
}

func TestClientThatDoesNotReadIsCut(t *testing.T) {
	dir, ended := t.TempDir(), make(chan error, 1)
	listening(t, dir, func(s *http.Server) {
		s.WriteTimeout = 50 * time.Millisecond
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					ended <- err
					return
				}
			}
		})
	})
	connections(t, dir, "GET /alive HTTP/1.1\r\nHost: gatehouse\r\n\r\n", 1)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it is still being answered")
	}
}

func TestNoMoreConnectionsThanTheBoundAreServedAtOnce(t *testing.T) {
	dir, begun, release := t.TempDir(), make(chan struct{}, 2*maxConnections), make(chan struct{})
	listening(t, dir, func(s *http.Server) {
		s.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			begun <- struct{}{}
			<-release
		})
	})
	all := connections(t, dir, "GET /alive HTTP/1.1\r\nHost: gatehouse\r\n\r\n", maxConnections+1)
	for range maxConnections {
		<-begun
	}
	if len(begun) > 0 {
		t.Error("one more than the bound is served")
	}
	close(release)
	for _, conn := range all {
		if _, err := io.ReadAll(conn); err != nil {
			t.Error(err)
		}
	}
}

// A command whose time was up before a connection was made said that the server
// had gone away, and that it may have carried the command out.
func TestCommandThatNeverConnectedSaysThatNoServerTakesIt(t *testing.T) {
	dir := t.TempDir()
	listening(t, dir, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Send(ctx, dir, Command{Verb: ListUsers}); !errors.Is(err, ErrNoServer) {
		t.Errorf("%v, want %v", err, ErrNoServer)
	}
}

func TestCommandWhoseServerHangsUpMayHaveBeenCarriedOut(t *testing.T) {
	dir := t.TempDir()
	l, err := listenSocket(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer l.Close()
		if conn, err := l.Accept(); err == nil {
			conn.Close()
		}
	}()
	if _, err := Send(t.Context(), dir, Command{Verb: ListUsers}); err == nil || errors.Is(err, ErrNoServer) {
		t.Errorf("%v, want anything but %v", err, ErrNoServer)
	}
}
