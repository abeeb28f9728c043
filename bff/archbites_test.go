package main

import (
	"fmt"
	"strings"
	"testing"
)

// Each rule is broken here at least once, and kept at least once.
func TestArchitectureRulesBite(t *testing.T) {
	t.Parallel()
	importing := func(paths ...string) string {
		var b strings.Builder
		for _, p := range paths {
			fmt.Fprintf(&b, "import _ %q\n", strings.Replace(p, "~/", module, 1))
		}
		return b.String()
	}
	for _, c := range []struct {
		path, code string
		want       string // part of the one breach, "" for none
	}{
		// Arrows.
		{"bff/internal/web/x.go", importing("~/bff/internal/auth", "~/bff/internal/proxy"), ""},
		{"bff/internal/web/x.go", importing("~/bff/internal/token"), "web may not import token"},
		{"bff/internal/proxy/x.go", importing("~/bff/internal/auth"), "proxy may not import auth"},
		{"bff/internal/proxy/x.go", importing("~/bff/internal/proxy/route"), ""},
		{"bff/internal/proxy/route/x.go", importing("~/bff/internal/proxy"), "proxy/route may not import proxy"},
		{"bff/internal/proxy/upstream/x.go", importing("~/bff/internal/proxy/route"), ""},
		{"bff/internal/proxy/upstream/x.go", importing("~/bff/internal/proxy"), "proxy/upstream may not import proxy"},
		{"bff/internal/session/x.go", importing("~/bff/internal/auth"), "session may not import auth"},
		{"bff/internal/session/x.go", importing("~/bff/internal/password"), "session may not import password"},
		{"bff/internal/filestore/x.go", importing("~/bff/internal/session/sessiontest"), "session/sessiontest is for tests"},
		{"bff/internal/auth/x.go", importing("~/bff/internal/sqlstore"), "auth may not import sqlstore"},
		{"bff/internal/config/x.go", importing("~/bff/internal/token"), "config may not import token"},
		{"bff/internal/sqlstore/x.go", importing("~/bff/internal/redisstore"), "sqlstore may not import redisstore"},
		{"bff/internal/filestore/x.go", importing("~/bff/internal/auth/authtest"), "auth/authtest is for tests"},
		{"bff/internal/filestore/x.go", importing("~/bff/internal/auth/authtest/fake"), "auth/authtest/fake is for tests"},
		{"bff/internal/app/x.go", importing("~/bff/internal/auth/authtest/fake"), "auth/authtest/fake is for tests"},
		{"bff/internal/auth/authtest/x.go", importing("~/bff/internal/auth/authtest/fake"), "auth/authtest/fake is for tests"},
		{"bff/internal/auth/authtest/fake/x.go", importing("~/bff/internal/auth"), ""},
		{"bff/internal/auth/authtest/fake/x.go", importing("~/bff/internal/sqlstore"), "auth/authtest/fake may not import sqlstore"},
		{"bff/bench/x.go", importing("~/bff/internal/auth/authtest/fake"), "auth/authtest/fake is for tests"},
		{"bff/internal/app/x.go", importing("~/bff/internal/servertest"), "servertest is for tests"},
		{"bff/x.go", importing("~/bff/internal/servertest"), "servertest is for tests"},
		{"bff/x.go", importing("~/bff/internal/auth"), "main may not import auth"},
		{"bff/e2e/stack/x.go", importing("~/bff/internal/servertest", "~/bff/internal/app"), ""},
		{"bff/e2e/stack/x.go", importing("~/bff/internal/web"), "e2e may not import web"},
		{"bff/internal/app/x.go", importing("~/spa"), ""},
		{"bff/internal/web/x.go", importing("~/spa"), "web may not import spa"},
		{"spa/embed.go", importing("~/bff/internal/config"), "spa may not import config"},
		// Arrows of tests.
		{"bff/internal/redisstore/x_test.go", importing("~/bff/internal/redisstore", "~/bff/internal/auth/authtest", "~/bff/internal/servertest"), ""},
		{"bff/internal/web/x_test.go", importing("~/bff/internal/filestore", "~/bff/internal/token"), ""},
		{"bff/internal/web/x_test.go", importing("~/bff/internal/auth/authtest/fake"), ""},
		{"bff/bench/x_test.go", importing("~/bff/internal/auth/authtest/fake"), ""},
		{"bff/e2e/x_test.go", importing("~/bff/internal/auth/authtest/fake"), "tests of e2e may not import auth/authtest/fake"},
		{"bff/e2e/attack/x_test.go", importing("~/bff/e2e/site", "~/bff/internal/session/sessiontest"), ""},
		{"bff/e2e/site/x.go", importing("testing", "github.com/new/thing", "~/bff/internal/session/sessiontest", "~/bff/internal/servertest"), ""},
		{"bff/e2e/site/x.go", importing("~/bff/internal/web"), "tests of e2e may not import web"},
		{"bff/e2e/site/x.go", "func f() { go f() }", ""},
		{"bff/e2e/stack/x.go", importing("~/bff/internal/session/sessiontest"), "session/sessiontest is for tests"},
		{"bff/internal/app/x.go", importing("~/bff/e2e/site"), "app may not import e2e"},
		{"bff/internal/auth/x_test.go", importing("~/bff/internal/web"), "tests of auth may not import web"},
		{"bff/internal/token/x_test.go", importing("~/bff/internal/app"), "tests of token may not import app"},
		{"bff/e2e/x_test.go", importing("~/bff/internal/web"), "tests of e2e may not import web"},
		// Libraries.
		{"bff/internal/token/x.go", importing("github.com/golang-jwt/jwt/v5"), ""},
		{"bff/internal/auth/x.go", importing("github.com/golang-jwt/jwt/v5"), "belongs to token"},
		{"bff/internal/auth/x_test.go", importing("github.com/golang-jwt/jwt/v5"), ""},
		{"bff/internal/web/x.go", importing("golang.org/x/crypto/bcrypt"), "belongs to password"},
		{"bff/internal/auth/x.go", importing("gorm.io/gorm/clause"), "belongs to sqlstore"},
		{"bff/internal/auth/x.go", importing("database/sql"), "belongs to sqlstore"},
		{"bff/internal/auth/x.go", importing("net/http"), "net/http belongs to"},
		{"bff/internal/app/x.go", importing("github.com/redis/go-redis/v9"), "belongs to redisstore"},
		{"bff/internal/proxy/x.go", importing("github.com/labstack/echo/v4/middleware"), "belongs to web"},
		{"bff/internal/web/x.go", importing("net/http", "net/http/httputil"), "net/http/httputil belongs to proxy"},
		{"bff/internal/web/x.go", importing("net/http/pprof"), "belongs to app"},
		{"bff/internal/app/x.go", importing("github.com/caarlos0/env/v11"), "belongs to config"},
		{"bff/internal/config/x.go", importing("github.com/goccy/go-yaml"), "belongs to proxy/route"},
		{"bff/internal/token/x.go", importing("github.com/MicahParks/keyfunc/v3"), "belongs to demoapi"},
		{"bff/internal/web/x.go", importing("github.com/coder/websocket"), "belongs to demoapi"},
		{"bff/internal/web/x.go", importing("testing"), "belongs to auth/authtest"},
		{"bff/internal/web/x.go", importing("github.com/new/thing"), "has no owner"},
		{"bff/internal/web/x.go", importing("encoding/json", "slices"), ""},
		// Packages.
		{"bff/internal/extra/x.go", "", "package extra is not in arrows"},
		{"bff/internal/web/x.go", strings.Repeat("\n", 298), ""},
		{"bff/internal/web/x.go", strings.Repeat("\n", 299), "lines; split"},
		{"bff/internal/web/x_test.go", strings.Repeat("\n", 301), ""},
		{"bff/e2e/site/x.go", strings.Repeat("\n", 301), "lines; split"},
		// Cookies.
		{"bff/internal/web/cookies.go", `import "net/http"; var c = http.Cookie{}`, ""},
		{"bff/internal/web/gate.go", `import "net/http"; var c = &http.Cookie{}`, "http.Cookie is made in"},
		{"bff/internal/web/gate.go", `import web "net/http"; var c = []any{web.Cookie{Name: "a"}}`, "http.Cookie is made in"},
		{"bff/internal/web/gate.go", `import "net/http"; func f(c *http.Cookie) string { return c.Name }`, ""},
		{"bff/internal/proxy/x.go", `import "net/http"; func f() { http.SetCookie(nil, nil) }`, "cookies are set in"},
		{"bff/internal/web/x_test.go", `import "net/http"; var c = http.Cookie{}`, ""},
		// Clocks.
		{"bff/main.go", `import "time"; var now = time.Now`, ""},
		{"bff/verbs.go", `import "time"; var now = time.Now`, "time.Now reads a clock"},
		{"bff/internal/auth/x.go", `import "time"; var now = time.Now()`, "time.Now reads a clock"},
		{"bff/internal/auth/x.go", `import t "time"; var d = t.Since(t.Time{})`, "time.Since reads a clock"},
		{"bff/internal/auth/x.go", `import "time"; func f(x time.Time) { time.Until(x) }`, "time.Until reads a clock"},
		{"bff/internal/auth/x.go", `import "time"; func f() { c.SetReadDeadline(time.Now().Add(1)) }`, ""},
		{"bff/internal/auth/x.go", `import "time"; func f() { c.SetTime(time.Now()) }`, "time.Now reads a clock"},
		{"bff/internal/auth/x_test.go", `import "time"; var now = time.Now()`, ""},
		{"bff/e2e/stack/main.go", `import "time"; var now = time.Now()`, ""},
		{"bff/internal/auth/x.go", `import . "time"; var now = Now()`, "dot import"},
		// Environment.
		{"bff/main.go", `import "os"; var e = os.Getenv`, ""},
		{"bff/internal/config/x.go", `import "os"; var e = os.Getenv("X")`, "os.Getenv: the environment is read in"},
		{"bff/internal/web/x.go", `import "os"; func f() { os.LookupEnv("X") }`, "os.LookupEnv"},
		{"bff/internal/web/x.go", `import "os"; var e = os.Environ()`, "os.Environ"},
		{"bff/internal/servertest/x.go", `import "os"; var e = os.Getenv("CI")`, ""},
		// Goroutines.
		{"bff/internal/app/run.go", "func Run() { go f() }", ""},
		{"bff/internal/app/run.go", "func other() { go f() }", `list "bff/internal/app/run.go other"`},
		{"bff/internal/web/x.go", "func f() { go func() {}() }", "starts a goroutine"},
		{"bff/internal/web/x.go", "func f() { g.Go(func() error { return nil }) }", "starts a goroutine"},
		{"bff/internal/web/x.go", "var _ = func() { go f() }", "starts a goroutine"},
		{"bff/internal/servertest/x.go", "func f() { go f() }", "starts a goroutine"},
		{"bff/internal/web/x_test.go", "func f() { go f() }", ""},
		// Panics.
		{"bff/internal/web/x.go", "func f() { panic(err) }", "panic without a reason"},
		{"bff/internal/web/x.go", "func f() { panic(err) // cannot happen\n}", ""},
		{"bff/internal/web/x.go", "func f() {\n// cannot happen\npanic(err) }", ""},
		{"bff/internal/web/x.go", "func f() {\n// far away\n\npanic(err) }", "panic without a reason"},
		{"bff/internal/web/x.go", `func f() { panic("called twice") }`, ""},
		{"bff/internal/web/x_test.go", "func f() { panic(err) }", ""},
	} {
		f, err := parse(c.path, []byte("package x\n"+c.code+"\n"))
		if err != nil {
			t.Errorf("%s\n%s: %v", c.path, c.code, err)
			continue
		}
		got := breaches([]source{f})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s\n%.120s\n  is fine, got %q", c.path, c.code, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want) || !strings.HasPrefix(got[0], c.path+":")):
			t.Errorf("%s\n%.120s\n  want %q, got %q", c.path, c.code, c.want, got)
		}
	}
}

func TestMeaninglessPackageNamesAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range meaningless {
		f, err := parse("bff/internal/"+name+"/x.go", []byte("package x\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(breaches([]source{f}), "\n"); !strings.Contains(got, "name it for what it holds") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
