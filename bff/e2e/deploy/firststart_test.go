package deploy

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

// unescape undoes what protects a $ from Compose, and fills in the one
// variable that it is to replace.
func unescape(s string) string {
	return strings.NewReplacer("$$", "$", "${SITE_ADDRESS:-localhost}", "localhost").Replace(s)
}

// The first start, without containers: passwords and keys are made, and
// Gatehouse accepts its configuration.
func TestComposeStartsFromNothing(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	c, dir := compose(t), t.TempDir()
	gatehouse := filepath.Join(dir, "gatehouse")
	for _, d := range []string{"gatehouse", "mysql", "redis"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	routes := filepath.Join(dir, "routes.yaml")
	if err := os.WriteFile(routes, []byte(c.Configs["routes"].Content), 0o600); err != nil {
		t.Fatal(err)
	}

	start := func() (files map[string]string) {
		t.Helper()
		passwords := c.Services["passwords"]
		script := exec.CommandContext(t.Context(), passwords.Entrypoint[0],
			append(slices.Clone(passwords.Entrypoint[1:]), unescape(passwords.Command[0]))...)
		uid := strconv.Itoa(os.Getuid())
		script.Env = append(os.Environ(), "SECRETS="+dir, "GATEHOUSE_UID="+uid, "MYSQL_UID="+uid, "REDIS_UID="+uid)
		if out, err := script.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("the script of the service passwords: %v\n%s", err, out)
		}
		if want := []string{"keys", "--dir", "/run/gatehouse"}; !slices.Equal(c.Services["keys"].Command, want) {
			t.Fatalf("the service keys runs %q, this test %q", c.Services["keys"].Command, want)
		}
		secrets, err := app.NewSecrets()
		if err != nil {
			t.Fatal(err)
		}
		if err := secrets.WriteFiles(gatehouse, io.Discard); err != nil {
			t.Fatal(err)
		}
		files = map[string]string{}
		for _, f := range must(filepath.Glob(dir + "/*/*"))(t) {
			files[strings.TrimPrefix(f, dir+"/")] = string(must(os.ReadFile(f))(t))
			if info := must(os.Stat(f))(t); info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", f, info.Mode())
			}
		}
		return files
	}
	files := start()
	for name, content := range start() {
		if files[name] != content {
			t.Errorf("%s is another one after the second start", name)
		}
	}

	env := map[string]string{}
	for name, value := range c.Instance.Environment {
		known := slices.ContainsFunc(config.Variables(), func(v config.Variable) bool {
			return name == v.Name || name == v.Name+"_FILE"
		})
		if !known {
			t.Errorf("Gatehouse knows no variable %s", name)
		}
		env[name] = strings.Replace(unescape(value), "/run/gatehouse", gatehouse, 1)
		if source, path, ok := strings.Cut(env[name], "/etc/gatehouse/"); ok && source == "" && path == "routes.yaml" {
			env[name] = routes
		}
	}
	loaded, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatalf("the environment of the service gatehouse:\n%v", err)
	}
	if loaded.Embedded || loaded.PublicURL.String() != "https://localhost" || len(loaded.TrustedProxies) != 1 {
		t.Errorf("configuration: %+v", loaded)
	}
	if err := app.Check(loaded); err != nil {
		t.Error(err)
	}
	table, err := app.Routes(loaded)
	if err != nil {
		t.Fatal(err)
	}
	if rows := table.Routes(); len(rows) != 1 || rows[0].Path != "/api/demo" || rows[0].Upstreams[0].String() != "http://demo-api:8090" {
		t.Errorf("routes: %+v", rows)
	}
	dsn, err := mysql.ParseDSN(loaded.MySQLDSN.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	db := c.Services["mysql"].Environment
	if dsn.Passwd != files["mysql/password"] || dsn.User != db["MYSQL_USER"] || dsn.DBName != db["MYSQL_DATABASE"] || dsn.Addr != "mysql:3306" {
		t.Error("MYSQL_DSN and what the server is told differ")
	}
	if err := redisconn.CheckURL(loaded.RedisURL.Reveal(), false); err != nil {
		t.Error(err)
	}
	if !strings.Contains(files["redis/redis.conf"], "requirepass "+files["redis/password"]+"\n") ||
		!strings.Contains(loaded.RedisURL.Reveal(), ":"+files["redis/password"]+"@redis:6379") {
		t.Error("REDIS_URL and what the server is told differ")
	}
	if len(files["mysql/password"]) < 40 || files["mysql/password"] == files["redis/password"] {
		t.Error("the passwords are none")
	}
}

// must is for calls that fail the test: must(f())(t).
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
