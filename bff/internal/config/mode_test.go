package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

func TestModes(t *testing.T) {
	t.Parallel()
	const why = "embedded mode is for localhost"
	everything := []string{"MYSQL_DSN is missing", "REDIS_URL is missing", "JWT_ACCESS_SECRET is missing", "JWT_REFRESH_SECRET is missing", "IDENTITY_KEY is missing"}
	local := production().with(environment{"PUBLIC_URL": "http://localhost:8080"})
	for name, c := range map[string]struct {
		env      environment
		embedded bool
		want     []string // all mistakes
	}{
		"nothing set":                 {environment{}, true, nil},
		"localhost":                   {environment{"PUBLIC_URL": "http://localhost:9000"}, true, nil},
		"127.0.0.1":                   {environment{"PUBLIC_URL": "http://127.0.0.1:9000"}, true, nil},
		"[::1]":                       {environment{"PUBLIC_URL": "http://[::1]:9000"}, true, nil},
		"https on localhost":          {environment{"PUBLIC_URL": "https://localhost"}, true, nil},
		"secrets of one's own":        {environment{"JWT_ACCESS_SECRET": accessCanary, "IDENTITY_KEY": identityCanary}, true, nil},
		"production":                  {production(), false, nil},
		"services on localhost":       {local, false, nil},
		"embedded elsewhere":          {environment{"PUBLIC_URL": "https://app.example.com"}, true, everything},
		"embedded, http elsewhere":    {environment{"PUBLIC_URL": "http://app.example.com"}, true, append([]string{"must be https"}, everything...)},
		"another loopback address":    {environment{"PUBLIC_URL": "http://127.0.0.2:8080"}, true, append([]string{"must be https"}, everything...)},
		"a name that begins alike":    {environment{"PUBLIC_URL": "https://localhost.example.com"}, true, everything},
		"a subdomain of localhost":    {environment{"PUBLIC_URL": "https://app.localhost"}, true, everything},
		"any address":                 {environment{"PUBLIC_URL": "https://0.0.0.0:8080"}, true, everything},
		"http in production":          {production().with(environment{"PUBLIC_URL": "http://app.example.com"}), false, []string{"must be https"}},
		"MySQL alone":                 {local.with(environment{"REDIS_URL": ""}), false, []string{"REDIS_URL is missing"}},
		"Redis alone":                 {local.with(environment{"MYSQL_DSN": ""}), false, []string{"MYSQL_DSN is missing"}},
		"MySQL alone, nothing else":   {environment{"MYSQL_DSN": dsnCanary}, false, everything[1:]},
		"Redis alone, nothing else":   {environment{"REDIS_URL": redisCanary}, false, append([]string{everything[0]}, everything[2:]...)},
		"services without secrets":    {environment{"MYSQL_DSN": dsnCanary, "REDIS_URL": redisCanary}, false, everything[2:]},
		"production without secrets":  {environment{"PUBLIC_URL": "https://x.example", "MYSQL_DSN": dsnCanary, "REDIS_URL": redisCanary}, false, everything[2:]},
		"no access secret":            {production().with(environment{"JWT_ACCESS_SECRET": ""}), false, everything[2:3]},
		"no refresh secret":           {production().with(environment{"JWT_REFRESH_SECRET": ""}), false, everything[3:4]},
		"development pages elsewhere": {production().with(environment{"SPA_DEV_URL": "http://localhost:5173"}), false, []string{"SPA_DEV_URL is for development"}},
		"development pages, services": {local.with(environment{"SPA_DEV_URL": "http://localhost:5173"}), false, nil},
	} {
		got, err := config.Load(c.env.get)
		if got.Embedded != c.embedded {
			t.Errorf("%s: embedded is %v", name, got.Embedded)
		}
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(c.want) {
			t.Errorf("%s: want %d mistakes, got:\n  %s", name, len(c.want), strings.Join(lines, "\n  "))
			continue
		}
		for n, want := range c.want {
			if !strings.Contains(lines[n], want) {
				t.Errorf("%s: mistake %d: want %q, got %s", name, n+1, want, lines[n])
			}
			if c.embedded && strings.Contains(want, "_DSN") && !strings.Contains(lines[n], why) {
				t.Errorf("%s: does not say why: %s", name, lines[n])
			}
		}
	}
}

func TestValuesFromFiles(t *testing.T) {
	t.Parallel()
	e := production()
	for name, value := range production() {
		e[name], e[name+"_FILE"] = "", writeFile(t, value+"\r\n\n")
	}
	e["BCRYPT_COST_FILE"] = writeFile(t, "13\n")
	c := load(t, e)
	want := load(t, production().with(environment{"BCRYPT_COST": "13"}))
	if c.MySQLDSN != want.MySQLDSN || c.RedisURL != want.RedisURL || c.PublicURL.String() != want.PublicURL.String() || c.BcryptCost != 13 ||
		c.AccessSecrets[0] != want.AccessSecrets[0] || strings.TrimSpace(c.IdentityKey.Reveal()) != strings.TrimSpace(want.IdentityKey.Reveal()) {
		t.Error("read something else from files than from variables")
	}
	// A secret keeps every byte except the line break at its end.
	inner := accessCanary + "\tand more"
	if got := load(t, production().with(environment{"JWT_ACCESS_SECRET": "", "JWT_ACCESS_SECRET_FILE": writeFile(t, inner+"\n")})); got.AccessSecrets[0].Reveal() != inner {
		t.Errorf("the secret became %q", got.AccessSecrets[0].Reveal())
	}
}

// Every setting can come from a file. Variable and file at once are a mistake: it
// is unclear which one counts.
func TestEveryVariableCanComeFromAFile(t *testing.T) {
	t.Parallel()
	for _, v := range config.Variables() {
		both := environment{v.Name: "one", v.Name + "_FILE": writeFile(t, "another")}
		if got := strings.Join(mistakes(t, both), "\n"); !strings.Contains(got, v.Name+" and "+v.Name+"_FILE are both set") {
			t.Errorf("%s twice:\n%s", v.Name, got)
		}
		missing := environment{v.Name + "_FILE": "/nowhere/at/all"}
		if got := strings.Join(mistakes(t, missing), "\n"); !strings.Contains(got, v.Name+"_FILE: open /nowhere/at/all") {
			t.Errorf("%s from a missing file:\n%s", v.Name, got)
		}
		empty := environment{v.Name + "_FILE": writeFile(t, "\n")}
		if got := strings.Join(mistakes(t, empty), "\n"); !strings.Contains(got, v.Name+"_FILE: ") || !strings.Contains(got, "is empty") {
			t.Errorf("%s from an empty file:\n%s", v.Name, got)
		}
		folder := environment{v.Name + "_FILE": os.TempDir()}
		if got := strings.Join(mistakes(t, folder), "\n"); !strings.Contains(got, v.Name+"_FILE: read ") {
			t.Errorf("%s from a folder:\n%s", v.Name, got)
		}
	}
}

func TestNoVariableHasTheNameOfAnotherOnesFile(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, v := range config.Variables() {
		if names[v.Name] {
			t.Errorf("%s is there twice", v.Name)
		}
		names[v.Name] = true
	}
	for name := range names {
		if other, ok := strings.CutSuffix(name, "_FILE"); ok && names[other] {
			t.Errorf("%s is ambiguous", name)
		}
	}
}

func TestIdentityKeyInOneLine(t *testing.T) {
	t.Parallel()
	oneLine := strings.ReplaceAll(identityCanary, "\n", `\n`)
	for name, value := range map[string]string{
		"several lines": identityCanary, "one line": oneLine, "quotes kept by docker": `"` + oneLine + `"`, "single quotes": "'" + oneLine + "'",
	} {
		if got := load(t, production().with(environment{"IDENTITY_KEY": value})).IdentityKey.Reveal(); got != identityCanary {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTLSFilesNeedAStore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"MYSQL_TLS_CA", "MYSQL_TLS_CERT", "MYSQL_TLS_KEY"} {
		onlyMistake(t, name, environment{name: "/tls/a.pem"}, name+" is set, and MYSQL_DSN is not")
	}
	for _, name := range []string{"REDIS_TLS_CA", "REDIS_TLS_CERT", "REDIS_TLS_KEY"} {
		onlyMistake(t, name, environment{name: "/tls/a.pem"}, name+" is set, and REDIS_URL is not")
	}
}
