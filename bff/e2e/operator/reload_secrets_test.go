package operator

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
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

// An access token that was verified is remembered: for as long as its key is in
// the list, and not for one request more.
func TestTokensOfASecretThatWasTakenOutAreRefusedAfterAReload(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	older, newer := freshSecrets(t), freshSecrets(t)
	env := maps.Clone(older)
	env["ROUTES_FILE"] = site.NewRoutesFile(t, "path: /api/up\nupstreams: ["+site.NamedUpstream(t, "up").URL+"]").Name
	files := site.MoveToFiles(t, env, site.SecretNames...)
	b := site.StartBinary(t, file, site.Pairs(env)...)
	with := b.MemberTokens("ada@example.com")
	me := func(when string, with site.Tokens, status int) {
		t.Helper()
		for _, path := range []string{"/api/auth/me", "/api/auth/me", "/api/up"} {
			if a := b.Get(path, with); a.StatusCode != status {
				t.Errorf("%s: %s: %d %s", when, path, a.StatusCode, a.Text)
			}
		}
	}
	access := func(k site.Tokens) site.Tokens { return site.Tokens{Access: k.Access} }
	me("at first", access(with), 200)

	files.Set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"]+","+older["JWT_ACCESS_SECRET"])
	b.ReloadWantChanged("JWT_ACCESS_SECRET")
	me("beside a new one", access(with), 200)
	files.Set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"])
	b.ReloadWantChanged("JWT_ACCESS_SECRET")
	me("taken out", access(with), 401)
	with = b.Post("/api/auth/refresh", with).Refreshed(t)
	me("by the new one", access(with), 200)

	before := strings.Count(b.Get("/.well-known/jwks.json", site.Tokens{}).Text, `"kid"`)
	files.Set("IDENTITY_KEY", newer["IDENTITY_KEY"]+"\n"+older["IDENTITY_KEY"])
	b.ReloadWantChanged("IDENTITY_KEY")
	if after := strings.Count(b.Get("/.well-known/jwks.json", site.Tokens{}).Text, `"kid"`); before != 1 || after != 2 {
		t.Errorf("%d keys are published, then %d", before, after)
	}

	// What nothing is left of is said: it may be a mistake, and it may be wanted.
	if n := len(b.Logged("secrets have none of their former values")); n != 0 {
		t.Errorf("%d warnings", n)
	}
	files.Set("JWT_REFRESH_SECRET", newer["JWT_REFRESH_SECRET"])
	b.ReloadWantChanged("JWT_REFRESH_SECRET")
	b.Eventually("a warning", func() bool { return len(b.Logged("secrets have none of their former values")) == 1 })
	if got := b.Logged("secrets have none of their former values")[0]["settings"]; !cmp.Equal(got, []any{"JWT_REFRESH_SECRET"}) {
		t.Errorf("warned of %v", got)
	}
	b.Post("/api/auth/refresh", with).Want(t, 401)
	me("until it expires", access(with), 200)
	b.ReloadWantChanged()
	for _, name := range site.SecretNames {
		b.WantNoSecrets(older[name], newer[name])
	}
}

// Many files and one mistake in one of them: all stay out of force.
func TestReloadWithAMistakeChangesNothing(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	one := site.NamedUpstream(t, "one")
	s := site.OnServices(t)
	routes := site.NewRoutesFile(t, site.PublicRow("/api/kept", one.URL))
	s.Env["ROUTES_FILE"], s.Env["SIGNUP"], s.Env["OPS_ADDR"] = routes.Name, "open", site.FreeAddr(t)
	s.Env["SMTP_URL"], s.Env["MAIL_FROM"] = "smtp://ada:canary-mail@localhost:1", "gate@house.example"
	files := site.MoveToFiles(t, s.Env, slices.Concat(site.SecretNames, []string{"MYSQL_DSN", "REDIS_URL", "SMTP_URL", "SIGNUP"})...)
	b := site.StartBinary(t, file, site.Pairs(s.Env)...)
	b.Ops = "http://" + s.Env["OPS_ADDR"]
	good, newer := map[string]string{}, freshSecrets(t)
	for _, name := range []string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "IDENTITY_KEY", "MYSQL_DSN", "REDIS_URL", "SMTP_URL", "SIGNUP"} {
		good[name] = files.Get(name)
	}
	with := site.Tokens{Access: b.MemberTokens("ada@example.com").Access}

	// Good changes beside each mistake: one that would refuse the access token,
	// and a row.
	files.Set("JWT_ACCESS_SECRET", newer["JWT_ACCESS_SECRET"])
	routes.Write(site.PublicRow("/api/new", one.URL))
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
			if err := os.Remove(files.Path(c.name)); err != nil {
				t.Fatal(err)
			}
		} else {
			files.Set(c.name, c.value)
		}
		found, _ := b.Reload(notReloaded)["mistakes"].([]any)
		if text, _ := found[0].(string); !strings.Contains(text, c.want) {
			t.Errorf("%s: mistakes %q", c.name, found)
		}
		files.Set(c.name, good[c.name])
		b.Get("/api/auth/me", with).Want(t, 200)
		b.Get("/api/kept", site.Tokens{}).Want(t, 200)
		b.Get("/api/new", site.Tokens{}).Want(t, 404)
	}
	// Several are told at once.
	files.Set("JWT_REFRESH_SECRET", "canary-short")
	routes.Write(site.PublicRow("/api/new"))
	if found, _ := b.Reload(notReloaded)["mistakes"].([]any); len(found) != 2 {
		t.Errorf("mistakes %q", found)
	}
	b.AwaitMetrics(map[string]float64{"gatehouse_reload_last_successful": 0})
	refused := b.Scrape()["gatehouse_reload_last_success_timestamp_seconds"]

	files.Set("JWT_REFRESH_SECRET", good["JWT_REFRESH_SECRET"])
	routes.Write(site.PublicRow("/api/new", one.URL))
	b.ReloadWantChanged("JWT_ACCESS_SECRET")
	b.Get("/api/auth/me", with).Want(t, 401)
	b.Get("/api/new", site.Tokens{}).Want(t, 200)
	b.AwaitMetrics(map[string]float64{"gatehouse_reload_last_successful": 1})
	if at := b.Scrape()["gatehouse_reload_last_success_timestamp_seconds"]; at <= refused {
		t.Errorf("the last one that worked was at %v, then at %v", refused, at)
	}

	// What only a restart puts in force is named, each time, and the rest is in
	// force.
	files.Set("SIGNUP", "closed")
	files.Set("MYSQL_DSN", strings.Replace(good["MYSQL_DSN"], "/gatehouse", "/canary", 1))
	files.Set("IDENTITY_KEY", newer["IDENTITY_KEY"]+"\n"+good["IDENTITY_KEY"])
	b.ReloadWantChanged("IDENTITY_KEY")
	b.ReloadWantChanged()
	const needs = "settings have changed that need a restart"
	b.Eventually("two warnings", func() bool { return len(b.Logged(needs)) == 2 })
	for _, line := range b.Logged(needs) {
		if diff := cmp.Diff([]any{"MYSQL_DSN", "SIGNUP"}, line["settings"]); diff != "" {
			t.Error(diff)
		}
	}
	b.MemberTokens("bob@example.com") // in the same database as before
	b.WantNoSecrets("canary", good["JWT_ACCESS_SECRET"], newer["JWT_ACCESS_SECRET"], good["IDENTITY_KEY"], newer["IDENTITY_KEY"])
}

func TestMailServerIsReplacedByAReload(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	first, second := servertest.SMTP(t, servertest.SMTPOptions{}), servertest.SMTP(t, servertest.SMTPOptions{})
	env := map[string]string{"SMTP_URL": "smtp://" + first.Addr, "MAIL_FROM": "gate@house.example"}
	files := site.MoveToFiles(t, env, "SMTP_URL")
	b := site.StartBinary(t, file, site.Pairs(env)...)
	files.Set("SMTP_URL", "smtp://"+second.Addr)
	b.ReloadWantChanged("SMTP_URL")
	who := b.Member("ada@example.com")
	who.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Credentials("ada@example.com")["password"], "newPassword": "a kingfisher under the bridge"}).Want(t, 204)
	b.Eventually("a mail", func() bool { return len(second.Mails()) == 1 })
	if n := len(first.Mails()); n > 0 {
		t.Errorf("%d mails by the server that was replaced", n)
	}
}
