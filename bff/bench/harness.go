package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// harness is what every Gatehouse of a run shares: the binary, stores, secrets,
// routes, and signed-in sessions.
type harness struct {
	program, dir string
	env          map[string]string
	services     bool // on Redis and MariaDB
	sessions     []signedIn
	started      int
	closers      []func() error
}

// openHarness prefers what production has.
func openHarness(ctx context.Context, program, dir string, up rivals.Addrs) (*harness, string, error) {
	h := &harness{program: program, dir: dir}
	routes := filepath.Join(dir, "routes.yaml")
	text := fmt.Sprintf("routes:\n  - {path: /api/bench, upstreams: [http://%s]}\n  - {path: /api/full, upstreams: [http://%s], max_body: none}\n", up.Fast, up.Full)
	public, err := rivals.FreeAddr()
	if err != nil {
		return nil, "", err
	}
	_, port, _ := strings.Cut(public, ":")
	h.env = map[string]string{
		"PUBLIC_URL": "http://localhost:" + port, "ROUTES_FILE": routes, "DATA_DIR": filepath.Join(dir, "data"),
		"LOG_FORMAT": "json", "SHUTDOWN_TIMEOUT": "2s",
	}
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	err = h.openStores(ctx)
	missing := new(servertest.MissingError)
	if errors.As(err, &missing) {
		return h, "EMBEDDED MODE: " + missing.Error(), h.close()
	}
	if err != nil {
		return nil, "", errors.Join(err, h.close())
	}
	return h, "", nil
}

func (h *harness) openStores(ctx context.Context) error {
	mariaDir, redisDir := filepath.Join(h.dir, "mariadb"), filepath.Join(h.dir, "redis")
	// MariaDB started by root runs as another user, who has to get there.
	if err := errors.Join(os.Chmod(h.dir, 0o711), os.Mkdir(mariaDir, 0o700), os.Mkdir(redisDir, 0o700)); err != nil {
		return err
	}
	redis, err := servertest.StartRedis(ctx, redisDir)
	if err != nil {
		return err
	}
	h.closers = append(h.closers, redis.Stop)
	maria, err := servertest.StartMariaDB(ctx, mariaDir)
	if err != nil {
		return err
	}
	h.closers = append(h.closers, maria.Stop)
	dsn, err := maria.CreateDatabase(ctx)
	if err != nil {
		return err
	}
	secrets, err := app.NewSecrets()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(secrets.Env())) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		h.env[name] = strings.Trim(value, `"`)
	}
	h.env["MYSQL_DSN"], h.env["REDIS_URL"], h.services = dsn, redis.URL, true
	return nil
}

func (h *harness) close() error {
	var all []error
	for _, c := range h.closers {
		all = append(all, c())
	}
	h.closers = nil
	return errors.Join(all...)
}

// gatehouse is the real binary, running.
type gatehouse struct {
	*rivals.Contender
	ops string
}

// start runs the product as it is shipped, all that costs something on: its log
// goes to a file, metrics are counted. On one core it has GOMAXPROCS=1.
func (h *harness) start(ctx context.Context, cores string, single bool, extra ...string) (*gatehouse, error) {
	return h.startProgram(ctx, rivals.Gatehouse, h.program, cores, single, extra...)
}

func (h *harness) startProgram(ctx context.Context, called, program, cores string, single bool, extra ...string) (*gatehouse, error) {
	addr, err := rivals.FreeAddr()
	if err != nil {
		return nil, err
	}
	ops, err := rivals.FreeAddr()
	if err != nil {
		return nil, err
	}
	env := []string{"LISTEN_ADDR=" + addr, "OPS_ADDR=" + ops}
	if single {
		env = append(env, "GOMAXPROCS=1")
	}
	for name, value := range h.env {
		env = append(env, name+"="+value)
	}
	h.started++
	p, err := rivals.Start(called+strconv.Itoa(h.started), cores, h.dir, append(env, extra...), program, "serve")
	c, err := rivals.AwaitReady(ctx, called, addr, p, err)
	if err != nil {
		return nil, err
	}
	return &gatehouse{c, ops}, nil
}
