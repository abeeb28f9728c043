// Stack runs the real product for browser tests, with everything that it
// needs in a temporary folder: in embedded mode, or on a private MariaDB and
// Redis with the demo API as a process of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// quickHash keeps browser tests from waiting for bcrypt.
const quickHash = 4

// administrator is there from the start: nobody becomes one by signing up.
var administrator = operator.Command{
	Verb: operator.CreateUser, Email: "root@example.com", Name: "Root", Role: "admin", Password: "plain orbit lantern 7",
}

func main() {
	mode := flag.String("mode", "embedded", "embedded, or services (MariaDB and Redis)")
	listen := flag.String("listen", "127.0.0.1:4181", "`address` of the product")
	controls := flag.String("control", "127.0.0.1:4191", "`address` for tests to move the clock and stop servers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *mode, *listen, *controls); err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mode, listen, controls string) (err error) {
	dir, err := os.MkdirTemp("", "gatehouse-stack-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	env := map[string]string{
		"LISTEN_ADDR": listen, "OPS_ADDR": "off", "PUBLIC_URL": "http://localhost:" + port,
		"DATA_DIR": filepath.Join(dir, "data"), "SHUTDOWN_TIMEOUT": "1s",
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	control := &control{clock: &clock{}, servers: map[string]server{}}
	switch mode {
	case "embedded":
	case "services":
		stop, err := services(ctx, dir, log, env, control)
		if err != nil {
			return err
		}
		defer stop()
	default:
		return fmt.Errorf("there is no mode %q", mode)
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		return err
	}
	o := app.Options{Config: c, Log: log, Now: control.clock.Now, HashCost: quickHash, Crowd: true}
	if err := app.Migrate(ctx, o); err != nil {
		return err
	}
	if _, err := app.Operate(ctx, o, administrator); err != nil {
		return err
	}
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	stop, err := control.serve(ctx, controls)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return a.Run(ctx)
}

// services starts what production has and says where it is.
func services(ctx context.Context, dir string, log *slog.Logger, env map[string]string, control *control) (stop func(), err error) {
	mariaDir, redisDir := filepath.Join(dir, "mariadb"), filepath.Join(dir, "redis")
	// MariaDB started by root runs as another user, who has to get there.
	if err := errors.Join(os.Chmod(dir, 0o711), os.Mkdir(mariaDir, 0o700), os.Mkdir(redisDir, 0o700)); err != nil {
		return nil, err
	}
	maria, err := servertest.StartMariaDB(ctx, mariaDir)
	if err != nil {
		return nil, err
	}
	redis, err := servertest.StartRedis(ctx, redisDir)
	if err != nil {
		return nil, errors.Join(err, maria.Stop())
	}
	dsn, err := maria.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := app.NewSecrets()
	if err != nil {
		return nil, err
	}
	demo, err := freeAddr()
	if err != nil {
		return nil, err
	}
	routes := filepath.Join(dir, "routes.yaml")
	text := "routes:\n  - path: /api/demo\n    upstreams: [http://" + demo + "]\n    strip_prefix: /api/demo\n"
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		return nil, err
	}
	control.servers["mariadb"], control.servers["redis"] = maria, redis
	env["MYSQL_DSN"], env["REDIS_URL"], env["ROUTES_FILE"] = dsn, redis.URL, routes
	for line := range strings.Lines(string(secrets.Env())) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = strings.Trim(value, `"`)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- app.RunDemoAPI(ctx, app.DemoOptions{
			Listen: demo, JWKSURL: env["PUBLIC_URL"] + "/.well-known/jwks.json", Issuer: env["PUBLIC_URL"], Audience: "demo",
			Log: log, Now: control.clock.Now,
		})
	}()
	return func() {
		cancel()
		if err := errors.Join(<-ended, redis.Stop(), maria.Stop()); err != nil {
			log.Error("stopping", "error", err)
		}
	}, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
