package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/term"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// version is set by the build (-ldflags -X main.version=…).
var version = ""

func serve(ctx context.Context, p process) error {
	if err := parseFlags(p, "serve", "Runs the server. Tables are brought up to date first, or when MySQL is there. SIGHUP has it read ROUTES_FILE and every NAME_FILE again.", nil); err != nil {
		return err
	}
	// Before anything else: until then SIGHUP ends the process, and an operator may
	// send it while the files are read.
	var await func(context.Context) error
	if p.hangups != nil {
		await = p.hangups()
	}
	c, log, err := configure(p)
	if err != nil {
		return err
	}
	defer p.log.Flush() // at a panic, too
	o := app.Options{Config: c, Log: log, LogBuffer: p.log, Now: p.now, Version: versionText(), HashCost: p.hashCost}
	if logFormat(p, c.LogFormat) == "json" {
		o.LogLines = p.log
	}
	if await != nil {
		o.Reload = &app.Reload{
			Await: await,
			Read:  func() (*config.Config, error) { return config.Load(p.getenv) },
			Value: func(name string) (config.Secret, error) { return config.Value(p.getenv, name) },
		}
	}
	a, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

func migrate(ctx context.Context, p process) error {
	if err := parseFlags(p, "migrate", "Brings the database's tables up to date and ends. `serve` does it too, under a lock.", nil); err != nil {
		return err
	}
	c, log, err := configure(p)
	if err != nil {
		return err
	}
	return app.Migrate(ctx, app.Options{Config: c, Log: log, Now: p.now})
}

func backup(ctx context.Context, p process) error {
	about := "Copies accounts, sessions and secrets of embedded mode to DIR, which must not exist or be empty, beside a running server or without one. A server that is started with DATA_DIR=DIR goes on from there."
	arguments, err := parseArguments(p, "backup", about, []string{"DIR"}, nil)
	if err != nil {
		return err
	}
	c, log, err := configure(p)
	if err != nil {
		return err
	}
	out, err := app.Backup(ctx, app.Options{Config: c, Log: log, Now: p.now}, arguments[0])
	if err != nil {
		return err
	}
	_, err = io.WriteString(p.stdout, out)
	return err
}

func printConfig(_ context.Context, p process) error {
	var schema bool
	about := "Checks the configuration and prints the effective settings, secrets hidden. With mistakes it prints all of them and exits with code 1."
	err := parseFlags(p, "config", about, func(fs *flag.FlagSet) {
		fs.BoolVar(&schema, "schema", false, "print the JSON Schema of a routes file instead, for editors; no configuration is read")
	})
	if err != nil {
		return err
	}
	if schema {
		return app.PrintRoutesSchema(p.stdout)
	}
	c, err := load(p)
	if err != nil {
		return err
	}
	table, err := app.Routes(c)
	if err != nil {
		return err
	}
	c.Print(p.stdout)
	fmt.Fprintln(p.stdout)
	if err := app.PrintConnections(p.stdout, c); err != nil {
		return err
	}
	if err := app.PrintRoutes(p.stdout, c, table); err != nil {
		return err
	}
	for _, w := range table.Warnings() {
		fmt.Fprintln(p.stderr, "warning: routes:", w)
	}
	for _, w := range app.Warnings(c, p.now()) {
		fmt.Fprintln(p.stderr, "warning:", w)
	}
	return nil
}

func keys(_ context.Context, p process) error {
	var dir string
	about := "Prints fresh secrets and an identity key as .env lines. With --dir they go into files, for NAME_FILE, and those that exist stay."
	err := parseFlags(p, "keys", about, func(fs *flag.FlagSet) {
		fs.StringVar(&dir, "dir", "", "`folder` to make one file for each in, named like its variable")
	})
	if err != nil {
		return err
	}
	s, err := app.NewSecrets()
	if err != nil {
		return err
	}
	if dir != "" {
		return s.WriteFiles(dir, p.stdout)
	}
	_, err = p.stdout.Write(s.Env())
	return err
}

const probeTimeout = 3 * time.Second

func healthcheck(ctx context.Context, p process) error {
	if err := parseFlags(p, "healthcheck", "Asks the server on LISTEN_ADDR of this machine whether it is alive. Exit code 1 when not.", nil); err != nil {
		return err
	}
	// Other mistakes in the configuration do not concern this verb.
	c, _ := config.Load(p.getenv)
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return nil
}

func demoAPI(ctx context.Context, p process) error {
	var o app.DemoOptions
	about := "Runs the demo API: an ordinary backend that verifies the identity token."
	err := parseFlags(p, "demo-api", about, func(fs *flag.FlagSet) {
		fs.StringVar(&o.Listen, "listen", "127.0.0.1:8090", "`address` to listen on")
		fs.StringVar(&o.JWKSURL, "jwks", "http://localhost:8080/.well-known/jwks.json", "`URL` of Gatehouse's key set")
		fs.StringVar(&o.Issuer, "issuer", "http://localhost:8080", "PUBLIC_URL of Gatehouse, the token's `iss`")
		fs.StringVar(&o.Audience, "audience", "demo", "the token's `aud`")
	})
	if err != nil {
		return err
	}
	o.Log, o.Now = newLogger(p, slog.LevelInfo, ""), p.now
	app.LimitMemory(p.getenv("GOMEMLIMIT"), o.Log)
	return app.RunDemoAPI(ctx, o)
}

func printVersion(_ context.Context, p process) error {
	if err := parseFlags(p, "version", "Prints the version.", nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.stdout, "gatehouse", versionText())
	return err
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// load returns a configuration without mistakes, or an error with all of them.
func load(p process) (*config.Config, error) {
	c, err := config.Load(p.getenv)
	if err := errors.Join(err, app.Check(c)); err != nil {
		return nil, err
	}
	return c, nil
}

func configure(p process) (*config.Config, *slog.Logger, error) {
	c, err := load(p)
	if err != nil {
		return nil, nil, err
	}
	log := newLogger(p, c.LogLevel, c.LogFormat)
	// net/http writes unsolicited responses of upstreams to the standard logger, with
	// their line breaks.
	slog.SetDefault(log)
	app.LimitMemory(p.getenv("GOMEMLIMIT"), log)
	return c, log, nil
}

func newLogger(p process, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if logFormat(p, format) == "json" {
		return slog.New(p.log.Handler(slog.NewJSONHandler(p.log, options)))
	}
	return slog.New(p.log.Handler(slog.NewTextHandler(p.log, options)))
}

// logFormat is LOG_FORMAT or, when that is unset, text for a terminal and json for
// everything else.
func logFormat(p process, format string) string {
	if f, ok := p.stderr.(*os.File); format == "" && ok && term.IsTerminal(int(f.Fd())) {
		return "text"
	}
	return cmp.Or(format, "json")
}
