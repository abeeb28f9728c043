package operator

import (
	"context"
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

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// socket is where a server in embedded mode takes operators' commands.
func socketOf(s *site.Harness) string {
	return filepath.Join(s.Env["DATA_DIR"], operator.SocketFolder, "socket")
}

// overSocket sends requests to the socket, whatever their host is.
func overSocket(s *site.Harness) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socketOf(s))
	}}
}

func TestControlSocketTakesWellFormedCommandsOnly(t *testing.T) {
	s := site.Embedded(t).Start()
	s.Operator().CreateUser("boss@example.com", "admin")
	if info, err := os.Stat(socketOf(s)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Dir(socketOf(s))); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	const list = `{"Verb":"list"}`
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"right":             {"POST", "/command", list, 200},
		"another path":      {"POST", "/", list, 404},
		"another method":    {"GET", "/command", list, 405},
		"no body":           {"POST", "/command", "", 400},
		"no JSON":           {"POST", "/command", "list", 400},
		"unknown field":     {"POST", "/command", `{"Verb":"list","Force":true}`, 400},
		"just small enough": {"POST", "/command", list + strings.Repeat(" ", 64<<10-len(list)), 200},
		"too big":           {"POST", "/command", list + strings.Repeat(" ", 64<<10-len(list)+1), 413},
		"alive":             {"GET", "/alive", "", 204},
		"alive, a POST":     {"POST", "/alive", list, 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://gatehouse"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		a, err := site.Read(overSocket(s).RoundTrip(r))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if listed := strings.Contains(a.Text, "boss@example.com"); a.StatusCode != c.status || listed != (c.status == 200) {
			t.Errorf("%s: %d %s, want %d", name, a.StatusCode, a.Text, c.status)
		}
	}
	s.Stop()
	if _, err := os.Lstat(socketOf(s)); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
}

// A client of the socket may come slowly, and does not hold up the end.
func TestStalledClientOfTheControlSocketDoesNotHoldUpTheEnd(t *testing.T) {
	s := site.Embedded(t).Start()
	conn, err := net.Dial("unix", socketOf(s))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /command HTTP/1.1\r\nHost: gatehouse\r\nContent-Length: 100\r\n\r\n{")
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s", took)
	}
}

// The lock of the sessions decides which of two servers has the socket.
func TestSecondServerOnADataDirDoesNotTakeTheSocket(t *testing.T) {
	s := site.Embedded(t).Start()
	before, err := os.Lstat(socketOf(s))
	if err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(func(name string) string {
		if name == "LISTEN_ADDR" {
			return "127.0.0.1:0"
		}
		return s.Env[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := app.New(t.Context(), app.Options{Config: conf, Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now}); err == nil || !strings.Contains(err.Error(), "in use by another gatehouse process") {
		t.Errorf("a second server: %v, %v", second, err)
	}
	if after, err := os.Lstat(socketOf(s)); err != nil || !os.SameFile(before, after) {
		t.Errorf("another socket: %v, %v", after, err)
	}
	s.Operator().CreateUser("ada@example.com", "user")
	s.SignInTokens("ada@example.com")
}

// leaveSocket leaves the socket of a server that was killed.
func leaveSocket(t *testing.T, s *site.Harness) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(socketOf(s)), 0o700); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(socketOf(s))
	l, err := net.Listen("unix", socketOf(s))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
}

func TestSocketOfAServerThatWasKilledIsReplaced(t *testing.T) {
	s := site.Embedded(t)
	leaveSocket(t, s)
	d := s.Operator()
	d.CreateUser("ada@example.com", "user") // no server runs
	leaveSocket(t, s)
	s.Start()
	d.CreateUser("eve@example.com", "user")

	// The lock is held, and no server is at the socket: as during a start.
	for name, leave := range map[string]func(){
		"refused": func() { leaveSocket(t, s) },
		"missing": func() { _ = os.Remove(socketOf(s)) },
		"a file": func() {
			_ = os.Remove(socketOf(s))
			_ = os.WriteFile(socketOf(s), []byte("{"), 0o600)
		},
	} {
		leave()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := d.Run(ctx, operator.Command{Verb: operator.ListUsers})
		cancel()
		if err == nil || !strings.Contains(err.Error(), s.Env["DATA_DIR"]) || !strings.Contains(err.Error(), "no server takes commands there") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// DATA_DIR's path may be longer than a socket's address.
func TestOperatorOfADataDirWithALongPath(t *testing.T) {
	s := site.Embedded(t)
	s.Env["DATA_DIR"] = filepath.Join(s.Env["DATA_DIR"], strings.Repeat("d", 150))
	if err := os.Mkdir(s.Env["DATA_DIR"], 0o700); err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Operator().CreateUser("ada@example.com", "user")
	s.SignInTokens("ada@example.com")
}

// In the wrong working directory a command must not make a DATA_DIR and say
// that there is no such account.
func TestOperatorInTheWrongPlace(t *testing.T) {
	s := site.Embedded(t)
	s.Env["DATA_DIR"] = filepath.Join(t.TempDir(), "elsewhere")
	for _, c := range []operator.Command{{Verb: operator.ListUsers}, {Verb: operator.DisableUser, Email: "ada@example.com"}} {
		s.Operator().WantRefused(c, "no accounts in "+s.Env["DATA_DIR"], "DATA_DIR")
	}
	if _, err := os.Stat(s.Env["DATA_DIR"]); !os.IsNotExist(err) {
		t.Errorf("it was made: %v", err)
	}
}
