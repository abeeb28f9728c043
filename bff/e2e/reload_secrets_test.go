package e2e

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// freshSecrets is what `gatehouse keys` prints, by name.
func freshSecrets(t *testing.T) map[string]string {
	t.Helper()
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(secrets.Env())) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = strings.ReplaceAll(strings.Trim(value, `"`), `\n`, "\n")
	}
	return env
}

// wantChanged reloads, and wants these settings to be named.
func (b *binary) wantChanged(want ...any) {
	b.t.Helper()
	if diff := cmp.Diff(append([]any{}, want...), b.reload("reloaded")["changed"]); diff != "" {
		b.t.Errorf("changed (-want +got):\n%s", diff)
	}
}

// keepsToItself wants nothing of these values in the log.
func (b *binary) keepsToItself(secrets ...string) {
	b.t.Helper()
	for _, secret := range secrets {
		for part := range strings.SplitSeq(secret, "\n") {
			if len(part) > 8 && !strings.HasPrefix(part, "-----") && strings.Contains(b.logs.String(), part) {
				b.t.Errorf("the log has the secret %s", part)
			}
		}
	}
}

// An access token that was verified is remembered: for as long as its key is in
// the list, and not for one request more.
func TestTokensOfASecretThatWasTakenOutAreRefusedAfterAReload(t *testing.T) {
	t.Parallel()
	file := buildBinary(t)
	older, newer := freshSecrets(t), freshSecrets(t)
	env := maps.Clone(older)
	env["ROUTES_FILE"] = newRoutesFile(t, "path: /api/up\nupstreams: ["+says(t, "up").URL+"]").name
	files := inFiles(t, env, theSecrets...)
	b := startBinary(t, file, pairs(env)...)
	with := b.somebody("ada@example.com")
	me := func(when string, with tokens, status int) {
		t.Helper()
		for _, path := range []string{"/api/auth/me", "/api/auth/me", "/api/up"} {
			if a := b.get(path, with); a.StatusCode != status {
				t.Errorf("%s: %s: %d %s", when, path, a.StatusCode, a.text)
			}
		}
	}
	access := func(k tokens) tokens { return tokens{access: k.access} }
	me("at first", access(with), 200)

	files.set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"]+","+older["JWT_ACCESS_SECRET"])
	b.wantChanged("JWT_ACCESS_SECRET")
	me("beside a new one", access(with), 200)
	files.set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"])
	b.wantChanged("JWT_ACCESS_SECRET")
	me("taken out", access(with), 401)
	with = b.post("/api/auth/refresh", with).renewed(t)
	me("by the new one", access(with), 200)

	before := strings.Count(b.get("/.well-known/jwks.json", tokens{}).text, `"kid"`)
	files.set("IDENTITY_KEY", newer["IDENTITY_KEY"]+"\n"+older["IDENTITY_KEY"])
	b.wantChanged("IDENTITY_KEY")
	if after := strings.Count(b.get("/.well-known/jwks.json", tokens{}).text, `"kid"`); before != 1 || after != 2 {
		t.Errorf("%d keys are published, then %d", before, after)
	}

	// What nothing is left of is said: it may be a mistake, and it may be wanted.
	if n := len(b.logged("secrets have none of their former values")); n != 0 {
		t.Errorf("%d warnings", n)
	}
	files.set("JWT_REFRESH_SECRET", newer["JWT_REFRESH_SECRET"])
	b.wantChanged("JWT_REFRESH_SECRET")
	b.eventually("a warning", func() bool { return len(b.logged("secrets have none of their former values")) == 1 })
	if got := b.logged("secrets have none of their former values")[0]["settings"]; !cmp.Equal(got, []any{"JWT_REFRESH_SECRET"}) {
		t.Errorf("warned of %v", got)
	}
	b.post("/api/auth/refresh", with).want(t, 401)
	me("until it expires", access(with), 200)
	b.wantChanged()
	for _, name := range theSecrets {
		b.keepsToItself(older[name], newer[name])
	}
}

// Many files and one mistake in one of them: all stay out of force.
func TestReloadWithAMistakeChangesNothing(t *testing.T) {
	t.Parallel()
	file := buildBinary(t)
	one := says(t, "one")
	s := onServices(t)
	routes := newRoutesFile(t, open("/api/kept", one.URL))
	s.env["ROUTES_FILE"], s.env["SIGNUP"], s.env["OPS_ADDR"] = routes.name, "open", freeAddr(t)
	s.env["SMTP_URL"], s.env["MAIL_FROM"] = "smtp://ada:canary-mail@localhost:1", "gate@house.example"
	files := inFiles(t, s.env, slices.Concat(theSecrets, []string{"MYSQL_DSN", "REDIS_URL", "SMTP_URL", "SIGNUP"})...)
	b := startBinary(t, file, pairs(s.env)...)
	b.ops = "http://" + s.env["OPS_ADDR"]
	good, newer := map[string]string{}, freshSecrets(t)
	for _, name := range []string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "IDENTITY_KEY", "MYSQL_DSN", "REDIS_URL", "SMTP_URL", "SIGNUP"} {
		good[name] = files.get(name)
	}
	with := tokens{access: b.somebody("ada@example.com").access}

	// Good changes beside each mistake: one that would refuse the access token,
	// and a row.
	files.set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"])
	routes.write(open("/api/new", one.URL))
	for _, c := range []struct{ name, value, want string }{
		{"JWT_REFRESH_SECRET", "canary-short", "JWT_REFRESH_SECRET has a value of 12 bytes"},
		{"JWT_REFRESH_SECRET", "", "is empty"},
		{"JWT_REFRESH_SECRET", newer["JWT_ACCESS_SECRET"], "share a value"},
		{"IDENTITY_KEY", good["IDENTITY_KEY"][:100], "IDENTITY_KEY: 1 PEM blocks begin and 0 can be read"},
		{"MYSQL_DSN", "gatehouse:canary-dsn@tcp(mysql:3306/gatehouse", "MYSQL_DSN: the MySQL DSN is not valid"},
		{"REDIS_URL", "redis://:canary/redis@redis", "REDIS_URL cannot be read"},
		{"SMTP_URL", "smtp://canary@", "SMTP_URL is no address"},
		{"SIGNUP", "maybe", `SIGNUP is "maybe"`},
		{"MYSQL_DSN", "missing", "MYSQL_DSN_FILE: open "},
	} {
		if c.value == "missing" {
			if err := os.Remove(files.path(c.name)); err != nil {
				t.Fatal(err)
			}
		} else {
			files.set(c.name, c.value)
		}
		found, _ := b.reload(notReloaded)["mistakes"].([]any)
		if text, _ := found[0].(string); !strings.Contains(text, c.want) {
			t.Errorf("%s: mistakes %q", c.name, found)
		}
		files.set(c.name, good[c.name])
		b.get("/api/auth/me", with).want(t, 200)
		b.get("/api/kept", tokens{}).want(t, 200)
		b.get("/api/new", tokens{}).want(t, 404)
	}
	// Several are told at once.
	files.set("JWT_REFRESH_SECRET", "canary-short")
	routes.write(open("/api/new"))
	if found, _ := b.reload(notReloaded)["mistakes"].([]any); len(found) != 2 {
		t.Errorf("mistakes %q", found)
	}
	b.awaitMetrics(map[string]float64{"gatehouse_reload_last_successful": 0})
	refused := b.scrape()["gatehouse_reload_last_success_timestamp_seconds"]

	files.set("JWT_REFRESH_SECRET", good["JWT_REFRESH_SECRET"])
	routes.write(open("/api/new", one.URL))
	b.wantChanged("JWT_ACCESS_SECRET")
	b.get("/api/auth/me", with).want(t, 401)
	b.get("/api/new", tokens{}).want(t, 200)
	b.awaitMetrics(map[string]float64{"gatehouse_reload_last_successful": 1})
	if at := b.scrape()["gatehouse_reload_last_success_timestamp_seconds"]; at <= refused {
		t.Errorf("the last one that worked was at %v, then at %v", refused, at)
	}

	// What only a restart puts in force is named, each time, and the rest is in
	// force.
	files.set("SIGNUP", "closed")
	files.set("MYSQL_DSN", strings.Replace(good["MYSQL_DSN"], "/gatehouse", "/canary", 1))
	files.set("IDENTITY_KEY", newer["IDENTITY_KEY"]+"\n"+good["IDENTITY_KEY"])
	b.wantChanged("IDENTITY_KEY")
	b.wantChanged()
	const needs = "settings have changed that need a restart"
	b.eventually("two warnings", func() bool { return len(b.logged(needs)) == 2 })
	for _, line := range b.logged(needs) {
		if diff := cmp.Diff([]any{"MYSQL_DSN", "SIGNUP"}, line["settings"]); diff != "" {
			t.Error(diff)
		}
	}
	b.somebody("bob@example.com") // in the same database as before
	b.keepsToItself("canary", good["JWT_ACCESS_SECRET"], newer["JWT_ACCESS_SECRET"], good["IDENTITY_KEY"], newer["IDENTITY_KEY"])
}

func TestMailServerIsReplacedByAReload(t *testing.T) {
	t.Parallel()
	file := buildBinary(t)
	first, second := servertest.SMTP(t, servertest.SMTPOptions{}), servertest.SMTP(t, servertest.SMTPOptions{})
	env := map[string]string{"SMTP_URL": "smtp://" + first.Addr, "MAIL_FROM": "gate@house.example"}
	files := inFiles(t, env, "SMTP_URL")
	b := startBinary(t, file, pairs(env)...)
	files.set("SMTP_URL", "smtp://"+second.Addr)
	b.wantChanged("SMTP_URL")
	who := b.member("ada@example.com")
	who.do("PUT", "/api/auth/password", object{"currentPassword": credentials("ada@example.com")["password"], "newPassword": newPassword}).want(t, 204)
	b.eventually("a mail", func() bool { return len(second.Mails()) == 1 })
	if n := len(first.Mails()); n > 0 {
		t.Errorf("%d mails by the server that was replaced", n)
	}
}
