package operator

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// startFails tries to start a product and gives the reason why it did not.
func startFails(t *testing.T, env map[string]string) string {
	t.Helper()
	c, err := config.Load(func(name string) string { return env[name] })
	if err == nil {
		var a *app.App
		a, err = app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), HashCost: site.QuickHash, Now: sessiontest.NewClock().Now})
		if err == nil {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = a.Run(ctx)
			t.Fatal("it started")
		}
	}
	return err.Error()
}

// A start that fails says why, and leaves nothing locked or listening: the
// next one works. It used to end in a nil pointer.
func TestFailedStartSaysWhyAndLeavesNothingBehind(t *testing.T) {
	s := site.Embedded(t).Start()
	taken := maps.Clone(s.Env)
	taken["DATA_DIR"] = t.TempDir()
	if got := startFails(t, taken); !strings.Contains(got, "LISTEN_ADDR") {
		t.Errorf("address taken: %s", got)
	}
	same := maps.Clone(s.Env)
	same["LISTEN_ADDR"] = site.FreeAddr(t)
	if got := startFails(t, same); !strings.Contains(got, s.Env["DATA_DIR"]) {
		t.Errorf("DATA_DIR taken: %s", got)
	}
	routes := maps.Clone(s.Env)
	routes["LISTEN_ADDR"], routes["OPS_ADDR"], routes["DATA_DIR"] = site.FreeAddr(t), "off", t.TempDir()
	routes["ROUTES_FILE"] = t.TempDir() + "/routes.yaml"
	if got := startFails(t, routes); !strings.Contains(got, "ROUTES_FILE") {
		t.Errorf("no routes file: %s", got)
	}
	if err := os.WriteFile(routes["ROUTES_FILE"], []byte("routes:\n  - path: /api/auth/x\n    upstreams: [nonsense]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := startFails(t, routes); !strings.Contains(got, "reserved") || !strings.Contains(got, "nonsense") {
		t.Errorf("every mistake of the routes file: %s", got)
	}
	delete(routes, "ROUTES_FILE")
	again := &site.Harness{T: t, Clock: s.Clock, Env: routes}
	again.Start()
}
