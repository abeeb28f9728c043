// Package e2e tests the product as its users meet it: the real app on a
// loopback port, HTTP and a cookie jar, in embedded mode and on a real MariaDB
// and Redis.
package e2e

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
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

func TestMain(m *testing.M) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "gatehouse-binary-"); err != nil {
		panic(err)
	}
	code := servertest.Main(m)
	_ = os.RemoveAll(binaryFolder)
	os.Exit(code)
}

// site is a running product. Its clock moves only when a test says so.
type site struct {
	t     *testing.T
	base  string
	ops   string
	clock *authtest.Clock
	env   map[string]string
	logs  *lockedBuffer
	redis *servertest.RedisHandle // nil in embedded mode
	noApp bool                    // pages come from elsewhere
	// transport is how browsers get there; nil is Go's own.
	transport *http.Transport
	// limited is for tests of the limits; others are a crowd.
	limited bool
	// isTwin: it has another's PUBLIC_URL and app.
	isTwin bool
	// hashCost is quickHash when 0.
	hashCost int
	stall    time.Duration // of clients; 0: as in production
	// questions is how long the database may take over one; 0: as in production,
	// for tests of a database in trouble.
	questions time.Duration
	// undecided has start return before the tables have been looked at.
	undecided bool
	stop      func()
}

// quickHash keeps tests from waiting for bcrypt.
const quickHash = 4

// embedded is the configuration of a product in embedded mode.
func embedded(t *testing.T) *site {
	t.Helper()
	return &site{t: t, clock: authtest.NewClock(), questions: time.Minute, env: map[string]string{"DATA_DIR": t.TempDir()}}
}

// onServices is the configuration of a product on MariaDB and Redis, with the
// demo API running beside it.
func onServices(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, clock: authtest.NewClock(), redis: servertest.Redis(t)}
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	s.env = map[string]string{"MYSQL_DSN": servertest.MariaDB(t), "REDIS_URL": s.redis.URL, "ROUTES_FILE": filepath.Join(t.TempDir(), "routes.yaml")}
	for line := range strings.Lines(string(secrets.Env())) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		s.env[name] = strings.Trim(value, `"`)
	}
	return s
}

// onBoth runs a test against both ways to run the product.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t).start()) })
	t.Run("services", func(t *testing.T) { test(t, onServices(t).start()) })
}

// start runs the product; further environment comes as NAME, value pairs.
func (s *site) start(extra ...string) *site {
	s.t.Helper()
	env := maps.Clone(s.env)
	chosen := env["LISTEN_ADDR"] == ""
	if chosen {
		env["LISTEN_ADDR"], env["OPS_ADDR"] = freeAddr(s.t), freeAddr(s.t)
		if !s.isTwin {
			env["PUBLIC_URL"] = "http://localhost:" + env["LISTEN_ADDR"][strings.LastIndexByte(env["LISTEN_ADDR"], ':')+1:]
		}
		if !s.noApp && !s.isTwin {
			env["SPA_DIR"] = tinyApp(s.t)
		}
		s.env = maps.Clone(env)
	}
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	s.base, s.ops, s.logs = "http://"+env["LISTEN_ADDR"], "http://"+env["OPS_ADDR"], &lockedBuffer{}
	log := slog.New(slog.NewJSONHandler(s.logs, nil))
	if s.redis != nil {
		s.demoAPI(env, log)
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		s.t.Fatal(err)
	}
	var a *app.App
	// Another package's tests may be trying the port at this moment.
	s.eventually("the port", func() bool {
		a, err = app.New(s.t.Context(), app.Options{Config: c, Log: log, Now: s.local, HashCost: cmp.Or(s.hashCost, quickHash), Crowd: !s.limited, StallTimeout: s.stall, QuestionTimeout: s.questions})
		return chosen || !errors.Is(err, syscall.EADDRINUSE)
	})
	if chosen && errors.Is(err, syscall.EADDRINUSE) {
		s.env["LISTEN_ADDR"] = "" // another process has taken it for good: choose once more
		return s.start(extra...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.stop = s.background("the product", a.Run)
	if !s.undecided {
		s.eventually("a look at the tables", func() bool {
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

func (s *site) local() time.Time { return s.clock.Now().In(elsewhere) }

func (s *site) demoAPI(env map[string]string, log *slog.Logger) {
	s.t.Helper()
	addr := freeAddr(s.t)
	text := "routes:\n  - path: /api/demo\n    upstreams: [http://" + addr + "]\n    strip_prefix: /api/demo\n"
	if err := os.WriteFile(env["ROUTES_FILE"], []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.background("the demo API", func(ctx context.Context) error {
		return app.RunDemoAPI(ctx, app.DemoOptions{
			Listen: addr, JWKSURL: s.base + "/.well-known/jwks.json", Issuer: env["PUBLIC_URL"], Audience: "demo", Log: log, Now: s.local,
		})
	})
	s.eventually("the demo API to answer", func() bool {
		resp, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
}

// background runs something until the test ends or the returned function is
// called, and waits for it.
func (s *site) background(what string, run func(context.Context) error) (stop func()) {
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
				s.t.Errorf("%s: %v", what, err)
			}
		case <-time.After(time.Minute):
			s.t.Errorf("%s did not stop", what)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// freeAddr is a loopback address that nobody listens on. Its port is below
// those that the kernel hands out (32768 and up on Linux): a connection that
// some other test opened once took the port before the product could.
func freeAddr(t *testing.T) string {
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

func tinyApp(t *testing.T) string {
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
