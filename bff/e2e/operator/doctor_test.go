package operator

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// examined is what `gatehouse doctor` says.
type examined struct {
	code         int
	text, stderr string
	checks       map[string]struct{ State, Found, Fix string }
}

// doctor runs it twice, for people and for programs, which must agree.
func doctor(t *testing.T, env map[string]string, args ...string) (e examined) {
	t.Helper()
	run := func(args ...string) (code int, stdout, stderr string) {
		t.Helper()
		cmd := exec.Command(site.BuildBinary(t), append([]string{"doctor"}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if exited := new(exec.ExitError); err != nil && !errors.As(err, &exited) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), out.String(), errs.String()
	}
	e.code, e.text, e.stderr = run(args...)
	code, asJSON, _ := run(append(args, "--json")...)
	if code != e.code {
		t.Errorf("exit code %d for people and %d for programs", e.code, code)
	}
	for name, value := range env {
		if strings.Contains(name, "SECRET") || strings.Contains(name, "KEY") {
			if strings.Contains(e.text+e.stderr+asJSON, value) {
				t.Errorf("%s is shown", name)
			}
		}
	}
	if strings.Contains(e.text+e.stderr+asJSON, "hunter2") {
		t.Errorf("a password is shown:\n%s%s", e.text, e.stderr)
	}
	var report struct {
		OK     bool
		Checks []struct{ Check, State, Found, Fix string }
	}
	if err := json.Unmarshal([]byte(asJSON), &report); err != nil && asJSON != "" {
		t.Fatalf("%v:\n%s", err, asJSON)
	}
	if asJSON != "" && report.OK != (code == 0) {
		t.Errorf("exit code %d, and ok is %t", code, report.OK)
	}
	e.checks = map[string]struct{ State, Found, Fix string }{}
	for _, c := range report.Checks {
		e.checks[c.Check] = struct{ State, Found, Fix string }{c.State, c.Found, c.Fix}
		if !strings.Contains(e.text, c.Check) {
			t.Errorf("%s is only in the JSON", c.Check)
		}
		if c.Fix != "" && !strings.Contains(e.text, "  fix: ") {
			t.Errorf("the fix of %s is only in the JSON", c.Check)
		}
	}
	t.Logf("exit code %d\n%s%s", e.code, e.text, e.stderr)
	return e
}

func (e examined) want(t *testing.T, code int, lines ...[3]string) {
	t.Helper()
	if e.code != code {
		t.Errorf("exit code %d, want %d", e.code, code)
	}
	for _, w := range lines {
		f, ok := e.checks[w[0]]
		if !ok || f.State != w[1] || !strings.Contains(f.Found+" "+f.Fix, w[2]) {
			t.Errorf("%s is %s: %s; want %s, %q", w[0], f.State, f.Found, w[1], w[2])
		}
	}
}

// away is an address on this machine where there is no server.
func away(t *testing.T) string { return site.FreeAddr(t) }

func TestDoctorBesideServersOnServices(t *testing.T) {
	s := site.OnServices(t)
	redis := s.Redis
	s.Env["REDIS_URL"] = redis.URL
	s.Start("TRUSTED_PROXIES", "127.0.0.0/8,192.0.2.0/24")
	env := maps.Clone(s.Env)
	env["TRUSTED_PROXIES"] = "127.0.0.0/8,192.0.2.0/24"

	doctor(t, env, "--instances", "4").want(t, 0,
		[3]string{"settings.routes", "ok", ""}, [3]string{"mysql.reachable", "ok", ""}, [3]string{"mysql.rights", "ok", ""}, [3]string{"mysql.schema", "ok", ""},
		[3]string{"mysql.connections", "ok", "4 instances (as --instances says) × 25"}, [3]string{"mysql.clock", "ok", ""}, [3]string{"redis.rights", "ok", ""},
		[3]string{"redis.eviction", "ok", "noeviction"}, [3]string{"redis.clock", "ok", ""}, [3]string{"proxies.seen", "could_not_ask", "no request has come"})
	s.Member("ada@example.com")
	doctor(t, env).want(t, 0, [3]string{"proxies.seen", "warning", "came over 192.0.2.0/24"})
	doctor(t, env, "--instances", "7").want(t, 1, [3]string{"mysql.connections", "problem", "max_connections"})

	t.Run("one store is away", func(t *testing.T) {
		without := maps.Clone(env)
		without["MYSQL_DSN"] = "gatehouse:hunter2@tcp(" + away(t) + ")/gatehouse"
		e := doctor(t, without)
		e.want(t, 1, [3]string{"mysql.reachable", "problem", "Start the server"}, [3]string{"redis.eviction", "ok", ""})
		if n := strings.Count(e.text, "mysql."); n != 1 {
			t.Errorf("the absent store has %d findings", n)
		}
		without = maps.Clone(env)
		without["REDIS_URL"] = "redis://:hunter2@" + away(t)
		e = doctor(t, without)
		e.want(t, 1, [3]string{"redis.reachable", "problem", "Start it"}, [3]string{"mysql.schema", "ok", ""})
		if n := strings.Count(e.text, "redis."); n != 1 {
			t.Errorf("the absent store has %d findings", n)
		}
	})
	t.Run("no instance to ask", func(t *testing.T) {
		doctor(t, env, "--ops", away(t)).want(t, 0, [3]string{"proxies.seen", "could_not_ask", "--ops HOST:PORT"})
		off := maps.Clone(env)
		off["OPS_ADDR"] = "off"
		doctor(t, off).want(t, 0, [3]string{"proxies.seen", "could_not_ask", "OPS_ADDR is off"})
	})
	t.Run("wrong usage", func(t *testing.T) {
		for _, args := range [][]string{{"--instances", "-1"}, {"--instances", "9223372036854775807"}, {"--ops", "gatehouse"}, {"surplus"}} {
			if e := doctor(t, env, args...); e.code != 2 || e.text != "" {
				t.Errorf("%v: exit code %d, %s", args, e.code, e.text)
			}
		}
	})
	t.Run("wrong settings", func(t *testing.T) {
		wrong := maps.Clone(env)
		wrong["SIGNUP"], wrong["MYSQL_DSN"] = "maybe", "root:hunter2"
		e := doctor(t, wrong)
		if e.code != 1 || e.text != "" || !strings.Contains(e.stderr, "SIGNUP") || !strings.Contains(e.stderr, "MYSQL_DSN") {
			t.Errorf("exit code %d, %s%s", e.code, e.text, e.stderr)
		}
	})
}

// The documented user of Redis is enough for it, and it writes nothing.
func TestDoctorAsTheDocumentedUserOfRedis(t *testing.T) {
	authority := servertest.NewAuthority(t, nil)
	redis := servertest.RedisOverTLS(t, authority, false)
	if got := redis.Ask(strings.Replace(aclRule(t), ">PASSWORD", ">hunter2", 1)); got != "+OK" {
		t.Fatalf("ACL SETUSER: %s", got)
	}
	dir := t.TempDir()
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.WriteFiles(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"MYSQL_DSN": servertest.MariaDB(t), "REDIS_URL": strings.Replace(redis.URL, "rediss://", "rediss://gatehouse:hunter2@", 1), "OPS_ADDR": "off",
		"JWT_ACCESS_SECRET_FILE": dir + "/JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET_FILE": dir + "/JWT_REFRESH_SECRET", "IDENTITY_KEY_FILE": dir + "/IDENTITY_KEY",
		"REDIS_TLS_CA": authority.File,
	}
	doctor(t, env).want(t, 0, [3]string{"redis.rights", "ok", ""}, [3]string{"redis.tls", "ok", "TLS"}, [3]string{"redis.eviction", "could_not_ask", "+info"},
		[3]string{"mysql.schema", "warning", "gatehouse migrate"}, [3]string{"settings.routes", "warning", "ROUTES_FILE"})
	if size := redis.Ask("DBSIZE"); size != ":0" {
		t.Errorf("Redis has %s keys by now", size)
	}
	delete(env, "REDIS_TLS_CA")
	doctor(t, env).want(t, 1, [3]string{"redis.reachable", "problem", "REDIS_TLS_CA names"}, [3]string{"settings.certificates", "ok", ""})
	env["REDIS_TLS_CA"] = servertest.NewAuthority(t, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	}).File
	doctor(t, env).want(t, 1, [3]string{"redis.reachable", "problem", ""}, [3]string{"settings.certificates", "warning", "read again"})
}

func TestDoctorOfEmbeddedMode(t *testing.T) {
	s := site.Embedded(t)
	s.Start()
	s.Member("ada@example.com")
	doctor(t, s.Env).want(t, 0, [3]string{"data.folder", "ok", "this user alone"}, [3]string{"data.server", "ok", "a server runs on it"},
		[3]string{"sqlite.schema", "ok", ""}, [3]string{"sqlite.integrity", "ok", ""}, [3]string{"proxies.seen", "ok", "none is trusted"})
	s.Stop()
	doctor(t, s.Env).want(t, 0, [3]string{"data.server", "ok", "no server runs on it"}, [3]string{"proxies.seen", "could_not_ask", ""})

	empty := maps.Clone(s.Env)
	empty["DATA_DIR"] = filepath.Join(t.TempDir(), "data")
	doctor(t, empty).want(t, 0, [3]string{"data.folder", "warning", "no accounts in " + empty["DATA_DIR"]}, [3]string{"data.disk", "could_not_ask", ""})
	if _, err := os.Stat(empty["DATA_DIR"]); err == nil {
		t.Error("DATA_DIR was made")
	}
	broken := maps.Clone(s.Env)
	broken["DATA_DIR"] = t.TempDir()
	if err := os.WriteFile(filepath.Join(broken["DATA_DIR"], "gatehouse.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	doctor(t, broken).want(t, 1, [3]string{"sqlite.schema", "problem", "not a database"})
}
