// Package site runs the product for tests and is its clients: the real app on a
// loopback port or the shipped binary, browsers with a cookie jar, and what stands
// around them: upstreams, a balancer, an operator. Every response is checked
// against openapi.yaml.
package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// Main runs a package's tests, for use in TestMain: os.Exit(site.Main(m)). It ends
// the servers that they share and removes the binary that they ran.
func Main(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gatehouse-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		return 1
	}
	binaryFolder = folder
	defer os.RemoveAll(folder)
	return servertest.Main(m)
}

// Harness is a running product. Its clock moves only when a test says so.
type Harness struct {
	T     *testing.T
	Base  string
	Ops   string
	Clock *sessiontest.Clock
	Env   map[string]string
	Logs  *LockedBuffer
	Redis *servertest.RedisHandle // nil in embedded mode
	NoApp bool                    // pages come from elsewhere
	// Transport is how browsers get there; nil is Go's own.
	Transport *http.Transport
	// Limited is for tests of the limits; the others have none.
	Limited bool
	// isTwin: it has another's PUBLIC_URL and app.
	isTwin bool
	// HashCost is QuickHash when 0.
	HashCost    int
	ClientStall time.Duration // 0: as in production
	// QuestionTimeout is how long the database may take over one; 0: as in
	// production, for tests of a database in trouble.
	QuestionTimeout time.Duration
	// SkipSchemaWait has Start return before the tables have been looked at.
	SkipSchemaWait bool
	Stop           func()
}

// QuickHash keeps tests from waiting for bcrypt.
const QuickHash = 4

// Embedded is the configuration of a product in embedded mode.
func Embedded(t *testing.T) *Harness {
	t.Helper()
	return &Harness{T: t, Clock: sessiontest.NewClock(), QuestionTimeout: time.Minute, Env: map[string]string{"DATA_DIR": t.TempDir()}}
}

// OnServices is the configuration of a product on MariaDB and Redis, with the
// demo API running beside it.
func OnServices(t *testing.T) *Harness {
	t.Helper()
	s := &Harness{T: t, Clock: sessiontest.NewClock(), Redis: servertest.Redis(t)}
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	s.Env = map[string]string{"MYSQL_DSN": servertest.MariaDB(t), "REDIS_URL": s.Redis.URL, "ROUTES_FILE": filepath.Join(t.TempDir(), "routes.yaml")}
	for line := range strings.Lines(string(secrets.Env())) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		s.Env[name] = strings.Trim(value, `"`)
	}
	return s
}

// OnBoth runs a test against both ways to run the product.
func OnBoth(t *testing.T, test func(t *testing.T, s *Harness)) {
	t.Run("embedded", func(t *testing.T) { test(t, Embedded(t).Start()) })
	t.Run("services", func(t *testing.T) { test(t, OnServices(t).Start()) })
}

// Start runs the product; further environment comes as NAME, value pairs.
func (s *Harness) Start(extra ...string) *Harness {
	s.T.Helper()
	env := maps.Clone(s.Env)
	chosen := env["LISTEN_ADDR"] == ""
	if chosen {
		env["LISTEN_ADDR"], env["OPS_ADDR"] = FreeAddr(s.T), FreeAddr(s.T)
		if !s.isTwin {
			env["PUBLIC_URL"] = "http://localhost:" + env["LISTEN_ADDR"][strings.LastIndexByte(env["LISTEN_ADDR"], ':')+1:]
		}
		if !s.NoApp && !s.isTwin {
			env["SPA_DIR"] = TinyApp(s.T)
		}
		s.Env = maps.Clone(env)
	}
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	s.Base, s.Ops, s.Logs = "http://"+env["LISTEN_ADDR"], "http://"+env["OPS_ADDR"], &LockedBuffer{}
	log := slog.New(slog.NewJSONHandler(s.Logs, nil))
	if s.Redis != nil {
		s.demoAPI(env, log)
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		s.T.Fatal(err)
	}
	var a *app.App
	// Another package's tests may be trying the port at this moment.
	s.Eventually("the port", func() bool {
		a, err = app.New(s.T.Context(), app.Options{Config: c, Log: log, LogLines: s.Logs, Now: s.LocalTime, HashCost: cmp.Or(s.HashCost, QuickHash), Crowd: !s.Limited, StallTimeout: s.ClientStall, QuestionTimeout: s.QuestionTimeout})
		return chosen || !errors.Is(err, syscall.EADDRINUSE)
	})
	if chosen && errors.Is(err, syscall.EADDRINUSE) {
		s.Env["LISTEN_ADDR"] = "" // another process has taken it for good: choose once more
		return s.Start(extra...)
	}
	if err != nil {
		s.T.Fatal(err)
	}
	s.Stop = s.Background("the product", a.Run)
	if !s.SkipSchemaWait {
		s.Eventually("a look at the tables", func() bool {
			select {
			case <-a.SchemaKnown():
				return true
			default:
				return false
			}
		})
	}
	return s
}

// elsewhere is where the server is: far from UTC, as time.Now is in production
// even in London. Times from a store are in UTC, and == between the two used to
// keep every renewed cookie from the browser.
var elsewhere = time.FixedZone("elsewhere", 9*60*60+30*60)

func (s *Harness) LocalTime() time.Time { return s.Clock.Now().In(elsewhere) }

func (s *Harness) demoAPI(env map[string]string, log *slog.Logger) {
	s.T.Helper()
	addr := FreeAddr(s.T)
	text := "routes:\n  - path: /api/demo\n    upstreams: [http://" + addr + "]\n    strip_prefix: /api/demo\n"
	if err := os.WriteFile(env["ROUTES_FILE"], []byte(text), 0o600); err != nil {
		s.T.Fatal(err)
	}
	s.Background("the demo API", func(ctx context.Context) error {
		return app.RunDemoAPI(ctx, app.DemoOptions{
			Listen: addr, JWKSURL: s.Base + "/.well-known/jwks.json", Issuer: env["PUBLIC_URL"], Audience: "demo", Log: log, Now: s.LocalTime,
		})
	})
	s.Eventually("the demo API to answer", func() bool {
		resp, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}

// Background runs something until the test ends or the returned function is
// called, and waits for it.
func (s *Harness) Background(what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.T.Errorf("%s: %v", what, err)
			}
		case <-time.After(time.Minute):
			s.T.Errorf("%s did not stop", what)
		}
	}
	s.T.Cleanup(stop)
	return stop
}

func (s *Harness) Eventually(what string, holds func() bool) {
	s.T.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			s.T.Fatalf("timed out waiting for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// FreeAddr is a loopback address without a listener. Its port is below
// those that the kernel hands out (32768 and up on Linux): a connection that
// some other test opened once took the port before the product could.
func FreeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port between 20000 and 32000")
	return ""
}

func TinyApp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html": "<!doctype html><title>tiny app</title>", "assets/app-1a2b.js": "console.log(1)", "favicon.svg": "<svg/>",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// WithLimits keeps the product's own limits.
func (s *Harness) WithLimits() *Harness {
	s.Limited = true
	return s
}
