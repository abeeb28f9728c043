package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// result has the exit code and output of the binary.
type result struct {
	code           int
	stdout, stderr string
}

func gatehouse(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), process{
		args: args, getenv: func(name string) string { return env[name] }, now: time.Now, stdout: &stdout, stderr: &stderr,
	})
	return result{code, stdout.String(), stderr.String()}
}

func (r result) want(t *testing.T, what string, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%s: exit code %d, want %d", what, r.code, code)
	}
	for _, c := range []struct{ stream, got, want string }{{"stdout", r.stdout, stdout}, {"stderr", r.stderr, stderr}} {
		if c.want == "" && c.got != "" || !strings.Contains(c.got, c.want) {
			t.Errorf("%s: %s: want %q, got:\n%s", what, c.stream, c.want, c.got)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"help", "--help", "-help", "-h"} {
		got := gatehouse(t, nil, how)
		got.want(t, how, 0, "Usage: gatehouse [verb] [flags]", "")
		for _, v := range verbs() {
			if !strings.Contains(got.stdout, "\n  "+v.name+" ") {
				t.Errorf("%s: %s is missing:\n%s", how, v.name, got.stdout)
			}
		}
	}
}

// A verb's --help must not do anything: here the configuration is broken, and there
// is neither a database nor a server.
func TestEveryVerbHasHelpAndRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	broken := map[string]string{"PUBLIC_URL": "nonsense"}
	for _, v := range verbs() {
		usage := "Usage: gatehouse " + v.name
		for _, how := range []string{"--help", "-help", "-h"} {
			gatehouse(t, broken, v.name, how).want(t, v.name+" "+how, 0, usage, "")
		}
		unknown := gatehouse(t, broken, v.name, "--no-such-flag")
		unknown.want(t, v.name+" --no-such-flag", 2, "", "no-such-flag")
		unknown.want(t, v.name+" --no-such-flag", 2, "", usage)
		// One argument is fine for some.
		gatehouse(t, broken, v.name, "surplus", "surplus").want(t, v.name+" surplus", 2, "", "surplus")
	}
}

func TestWhichVerbRuns(t *testing.T) {
	t.Parallel()
	broken := map[string]string{"PUBLIC_URL": "nonsense"}
	gatehouse(t, nil, "deploy").want(t, "an unknown verb", 2, "", `there is no verb "deploy"`)
	gatehouse(t, nil, "deploy").want(t, "an unknown verb shows the known ones", 2, "", "healthcheck")
	gatehouse(t, nil, "deploy", "--help").want(t, "help for an unknown verb", 2, "", `there is no verb "deploy"`)
	gatehouse(t, nil, "").want(t, "an empty verb", 2, "", `there is no verb ""`)
	gatehouse(t, nil, "Version").want(t, "capitals", 2, "", "there is no verb")
	gatehouse(t, broken).want(t, "no verb", 1, "", "gatehouse serve: PUBLIC_URL")
	gatehouse(t, broken, "--no-such-flag").want(t, "a flag without a verb", 2, "", "gatehouse serve: flag provided but not defined")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	gatehouse(t, nil, "version").want(t, "version", 0, "gatehouse ", "")
	if got := gatehouse(t, nil, "version").stdout; strings.Count(got, "\n") != 1 || len(strings.Fields(got)) != 2 {
		t.Errorf("version prints %q", got)
	}
}

// Mistakes of every origin: the form of a value, settings that belong together, and
// values that only the package that uses them can parse.
func manyMistakes(t *testing.T) (env map[string]string, complaints []string) {
	t.Helper()
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(routes, []byte("routes:\n  - path: no-slash\n    upstreams: [ftp://x]\n    acces: public\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
			"PUBLIC_URL": "http://app.example.com", "BCRYPT_COST": "4", "SIGNUP": "maybe", "ACCESS_TTL": "soon",
			"JWT_ACCESS_SECRET": "short", "IDENTITY_KEY": "no key at all, canary", "MYSQL_DSN": "root:canary", "REDIS_URL": "http://:canary@redis",
			"ROUTES_FILE": routes,
		}, []string{
			"PUBLIC_URL is http://app.example.com", "BCRYPT_COST", "SIGNUP", "ACCESS_TTL", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET is missing",
			"IDENTITY_KEY: ", "MYSQL_DSN: ", "REDIS_URL ", "ROUTES_FILE " + routes, "line 2: path: \"no-slash\"", "line 3: upstreams: \"ftp://x\"", "line 4: unknown key \"acces\"",
		}
}

func TestEveryMistakeOfTheConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	env, complaints := manyMistakes(t)
	for _, args := range [][]string{{"config"}, {"serve"}, {}, {"migrate"}, {"doctor"}, {"doctor", "--json"}} {
		got := gatehouse(t, env, args...)
		if got.code != 1 || got.stdout != "" {
			t.Errorf("%v: exit code %d, stdout %q", args, got.code, got.stdout)
		}
		for _, want := range complaints {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%v: no word of %q in:\n%s", args, want, got.stderr)
			}
		}
		if strings.Contains(got.stderr, "canary") {
			t.Errorf("%v: a secret is shown:\n%s", args, got.stderr)
		}
	}
}

func TestConfigFindsEachMistakeThatOnlyARoomCanSee(t *testing.T) {
	t.Parallel()
	fresh := dotEnv(gatehouse(t, nil, "keys").stdout)
	fresh["PUBLIC_URL"], fresh["MYSQL_DSN"], fresh["REDIS_URL"] = "https://app.example.com", "u:canary@tcp(mysql:3306)/gatehouse", "redis://:canary@redis:6379"
	good := gatehouse(t, fresh, "config")
	good.want(t, "production", 0, "PUBLIC_URL=https://app.example.com", "")
	good.want(t, "production without routes", 0, "no proxied routes", "")
	if strings.Contains(good.stdout, "canary") || strings.Contains(good.stdout, fresh["JWT_ACCESS_SECRET"]) {
		t.Errorf("a secret is printed:\n%s", good.stdout)
	}
	for name, value := range map[string]string{
		"IDENTITY_KEY": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "MYSQL_DSN": "gatehouse", "REDIS_URL": "mysql://redis", "ROUTES_FILE": "/nowhere",
	} {
		env := map[string]string{name: value}
		for other, v := range fresh {
			if other != name {
				env[other] = v
			}
		}
		got := gatehouse(t, env, "config")
		got.want(t, name+"="+value, 1, "", name)
		if lines := strings.Count(strings.TrimSpace(got.stderr), "\n"); lines != 0 {
			t.Errorf("%s: more than one complaint:\n%s", name, got.stderr)
		}
	}
}

func TestConfigWarnsOfSharedAudiences(t *testing.T) {
	t.Parallel()
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(routes, []byte("routes:\n  - {path: /api/v1/orders, upstreams: [http://a]}\n  - {path: /api/v2/orders, upstreams: [http://b]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gatehouse(t, map[string]string{"DATA_DIR": t.TempDir(), "ROUTES_FILE": routes}, "config").
		want(t, "config", 0, "audience: orders", "warning: routes: the rows /api/v1/orders, /api/v2/orders share the audience")
}

// The effective routes are shown as a routes file.
func TestConfigPrintsTheRoutesInEffect(t *testing.T) {
	t.Parallel()
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(routes, []byte("routes:\n  - path: /api/orders\n    upstreams: [http://orders]\n    roles: [admin]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"DATA_DIR": t.TempDir(), "ROUTES_FILE": routes}
	got := gatehouse(t, env, "config")
	got.want(t, "config", 0, "# proxied routes: "+routes, "")
	got.want(t, "config", 0, `
routes:
  - path: /api/orders
    upstreams: [http://orders]
    access: member
    roles: [admin]
    methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]
    audience: orders
    identity: jwt
    forward_cookies: false
    forward_authorization: false
    cross_site: refuse
    timeout: 30s
    max_body: 10MiB
`, "")
	_, table, _ := strings.Cut(got.stdout, "# proxied routes")
	if err := os.WriteFile(routes, []byte("#"+table), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := gatehouse(t, env, "config"); again.stdout != got.stdout || again.code != 0 {
		t.Errorf("read again it is\n%s%s", again.stdout, again.stderr)
	}
}

// An editor's schema needs no configuration, and no good one.
func TestConfigPrintsTheSchemaOfRoutesFiles(t *testing.T) {
	t.Parallel()
	got := gatehouse(t, map[string]string{"PUBLIC_URL": "nonsense"}, "config", "--schema")
	got.want(t, "config --schema", 0, `"$schema": "https://json-schema.org/draft/2020-12/schema"`, "")
	if !json.Valid([]byte(got.stdout)) || got.stderr != "" {
		t.Errorf("not JSON alone: %s%s", got.stdout, got.stderr)
	}
	gatehouse(t, nil, "config", "--schemas").want(t, "config --schemas", 2, "", "-schema\n")
	gatehouse(t, nil, "help").want(t, "help", 0, "--schema", "")
}

func TestConfigOfEmbeddedModeShowsTheDemoRoute(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	got := gatehouse(t, map[string]string{"DATA_DIR": dir}, "config")
	got.want(t, "config", 0, "DATA_DIR="+dir, "")
	got.want(t, "config", 0, "\nroutes:\n  - path: /api/demo\n", "")
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking at the configuration has made DATA_DIR")
	}
}

// dotEnv reads .env lines as a shell does.
func dotEnv(text string) map[string]string {
	env := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = strings.Trim(value, `"`)
	}
	return env
}

func TestKeysPrintsWhatServeTakes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 3 {
		got := gatehouse(t, nil, "keys")
		got.want(t, "keys", 0, "JWT_ACCESS_SECRET=", "")
		env := dotEnv(got.stdout)
		if len(env) != 3 {
			t.Fatalf("keys prints:\n%s", got.stdout)
		}
		for name, value := range env {
			if seen[value] {
				t.Errorf("%s is the same as one before", name)
			}
			seen[value] = true
		}
		env["PUBLIC_URL"], env["MYSQL_DSN"], env["REDIS_URL"] = "https://app.example.com", "u:p@tcp(mysql:3306)/gatehouse", "redis://redis:6379"
		if _, err := config.Load(func(name string) string { return env[name] }); err != nil {
			t.Error(err)
		}
		gatehouse(t, env, "config").want(t, "config with fresh keys", 0, "[redacted]", "")
		// docker run --env-file takes no quotes off.
		env["IDENTITY_KEY"] = `"` + env["IDENTITY_KEY"] + `"`
		gatehouse(t, env, "config").want(t, "config with the quotes left on", 0, "[redacted]", "")
	}
}

func TestKeysIntoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := gatehouse(t, nil, "keys", "--dir", dir)
	first.want(t, "keys --dir", 0, "made "+filepath.Join(dir, "IDENTITY_KEY"), "")
	env := map[string]string{"PUBLIC_URL": "https://app.example.com", "MYSQL_DSN": "u:p@tcp(mysql:3306)/gatehouse", "REDIS_URL": "redis://redis:6379"}
	for _, name := range []string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "IDENTITY_KEY"} {
		file := filepath.Join(dir, name)
		env[name+"_FILE"] = file
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(first.stdout, strings.TrimSpace(string(content))) {
			t.Errorf("%s is printed too", name)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	gatehouse(t, env, "config").want(t, "config with the files", 0, "[redacted]", "")
	before, err := os.ReadFile(filepath.Join(dir, "JWT_ACCESS_SECRET"))
	if err != nil {
		t.Fatal(err)
	}
	gatehouse(t, nil, "keys", "--dir", dir).want(t, "again", 0, "kept "+filepath.Join(dir, "JWT_ACCESS_SECRET"), "")
	if after, err := os.ReadFile(filepath.Join(dir, "JWT_ACCESS_SECRET")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("an existing secret was replaced (%v)", err)
	}
	gatehouse(t, nil, "keys", "--dir", filepath.Join(dir, "nowhere")).want(t, "a folder that does not exist", 1, "", "nowhere")
}

func TestMigrateMakesTheEmbeddedDatabase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	env := map[string]string{"DATA_DIR": dir}
	for _, when := range []string{"first", "again"} {
		if got := gatehouse(t, env, "migrate"); got.code != 0 {
			t.Fatalf("%s: exit code %d:\n%s", when, got.code, got.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "gatehouse.db")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("DATA_DIR: %v, %v", info.Mode(), err)
	}
	// A place where it cannot be.
	occupied := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	gatehouse(t, map[string]string{"DATA_DIR": occupied}, "migrate").want(t, "no folder", 1, "", "DATA_DIR")
}

func TestDemoAPISaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	gatehouse(t, nil, "demo-api", "--listen", "nonsense").want(t, "no address", 1, "", "gatehouse demo-api: ")
	gatehouse(t, nil, "demo-api", "--jwks").want(t, "no value", 2, "", "flag needs an argument")
	help := gatehouse(t, nil, "demo-api", "--help").stdout
	for _, flag := range []string{"-listen", "-jwks", "-issuer", "-audience"} {
		if !strings.Contains(help, flag) {
			t.Errorf("%s is missing in:\n%s", flag, help)
		}
	}
}
