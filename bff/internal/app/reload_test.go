package app

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// reloading makes the parts of an embedded server that a reload without routes
// needs, and returns its log.
func reloading(t *testing.T, env map[string]string) (a *App, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	read := func() (*config.Config, error) { return config.Load(func(name string) string { return env[name] }) }
	c, err := read()
	if err != nil {
		t.Fatal(err)
	}
	a = newApp(Options{Config: c, Log: slog.New(slog.NewJSONHandler(log, nil)), Now: time.Now, Reload: &Reload{Read: read}})
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(a.openStores(t.Context()), a.migrate(t.Context()), a.openService(4)); err != nil {
		t.Fatal(err)
	}
	return a, log
}

// others has a second good value of each setting of embedded mode. Settings of
// stores are tested on the stores.
var others = map[string]string{
	"LISTEN_ADDR": "127.0.0.1:8081", "OPS_ADDR": "off", "PUBLIC_URL": "http://localhost:8082", "MYSQL_MAX_CONNECTIONS": "26", "DATA_DIR": "",
	"JWT_ACCESS_SECRET": "kEw7-another-access-Zp04mVtQ8sXyB1nL", "JWT_REFRESH_SECRET": "uR2d-another-refresh-T9hJc5WoGa3fKqIe", "IDENTITY_KEY": "",
	"ACCESS_TTL": "16m", "REFRESH_TTL": "169h", "REMEMBER_TTL": "721h", "SESSION_MAX_AGE": "2161h", "BCRYPT_COST": "13",
	"TRUSTED_PROXIES": "10.0.0.0/8", "SPA_DEV_URL": "http://localhost:5173", "SPA_DIR": "", "SMTP_URL": "smtp://localhost:2525",
	"MAIL_FROM": "other@house.example", "SIGNUP": "closed", "AUDIT_RETENTION": "24h", "AUDIT_REDACT_DELETED": "on", "LOG_LEVEL": "warn",
	"LOG_FORMAT": "json", "SHUTDOWN_TIMEOUT": "21s", "IDLE_TIMEOUT": "12m", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
	"OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_SERVICE_NAME": "other", "OTEL_RESOURCE_ATTRIBUTES": "a=b", "OTEL_TRACES_SAMPLER": "always_off",
	"OTEL_TRACES_SAMPLER_ARG": "0.5",
}

// A setting that has changed in its file is in force or named in the log: one that
// was ignored silently would be in force after the next crash.
func TestReloadIgnoresNoSetting(t *testing.T) {
	env := map[string]string{"DATA_DIR": t.TempDir(), "SMTP_URL": "smtp://localhost:25", "MAIL_FROM": "gate@house.example"}
	a, log := reloading(t, env)
	fresh, err := NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	pages := t.TempDir()
	if err := os.WriteFile(filepath.Join(pages, "index.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	values := maps.Clone(others)
	values["DATA_DIR"], values["SPA_DIR"], values["IDENTITY_KEY"] = t.TempDir(), pages, fresh.Identity.Reveal()
	for _, v := range config.Variables() {
		onStores := strings.HasPrefix(v.Name, "MYSQL_") && v.Name != "MYSQL_MAX_CONNECTIONS" || strings.HasPrefix(v.Name, "REDIS_")
		if onStores || v.Name == "ROUTES_FILE" { // which is tested by itself
			continue
		}
		value, ok := values[v.Name]
		if !ok {
			t.Errorf("%s has no second value here", v.Name)
			continue
		}
		before, wasSet := env[v.Name]
		env[v.Name] = value
		log.Reset()
		a.reload()
		inForce, named := slices.Contains(live, v.Name), strings.Contains(log.String(), `"settings":["`+v.Name+`"]`)
		changed := strings.Contains(log.String(), `"changed":["`+v.Name+`"]`)
		if changed != inForce || named == inForce && !strings.HasPrefix(v.Name, "JWT_") {
			t.Errorf("%s: changed %v, needs a restart %v:\n%s", v.Name, changed, named, log)
		}
		if delete(env, v.Name); wasSet {
			env[v.Name] = before
		}
		a.reload()
	}
}

// Secrets that the first start of embedded mode made stay, whatever else is read.
func TestReloadKeepsSecretsThatWereMade(t *testing.T) {
	env := map[string]string{"DATA_DIR": t.TempDir()}
	a, log := reloading(t, env)
	now := time.Now()
	refresh, err := a.tokens.MintRefresh(token.Refresh{
		UserID: "u", SessionID: "s", Generation: 1, AbsoluteEnd: now.Add(time.Hour), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	// PUBLIC_URL needs a restart, also for the tokens that are made with new keys.
	env["JWT_ACCESS_SECRET"], env["PUBLIC_URL"] = others["JWT_ACCESS_SECRET"], others["PUBLIC_URL"]
	a.reload()
	if !strings.Contains(log.String(), `"changed":["JWT_ACCESS_SECRET"]`) {
		t.Errorf("logged %s", log)
	}
	if _, err := a.tokens.VerifyRefresh(refresh, now); err != nil {
		t.Errorf("a refresh token from before: %v", err)
	}
}

func TestRefusedReloadTellsEveryMistake(t *testing.T) {
	env := map[string]string{"DATA_DIR": t.TempDir()}
	a, log := reloading(t, env)
	env["SIGNUP"], env["BCRYPT_COST"] = "perhaps", "3"
	a.reload()
	if n := strings.Count(log.String(), `"not reloaded`); n != 1 || !strings.Contains(log.String(), "SIGNUP") || !strings.Contains(log.String(), "BCRYPT_COST") {
		t.Errorf("logged %s", log)
	}
	if a.latest != a.config {
		t.Error("what was refused counts as read")
	}
}
