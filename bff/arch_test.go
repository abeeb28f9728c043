package main

import (
	"slices"
	"testing"
)

// The architecture, executed: which package may import which, and the one place
// for each thing. When a rule is in the way, change the code or, with a reason in
// docs/decisions, the table below.

const module = "github.com/gatehouse-bff/gatehouse/"

// arrows: each package, and the packages that its code may import, which have
// their lines below its own. auth in the middle knows no technology, each
// technology knows auth, app knows all but test support.
var arrows = importTable{
	{"e2e", "app", "config", "operator", "servertest"},
	{"bench", "app", "auth", "config", "filestore", "redisstore", "servertest", "session"},
	{"main", "app", "config", "logbuffer", "operator", "textfile"},
	{"app", everyPackage},
	{"datadir", "doctor", "operator", "textfile"},
	{"operator", "auth", "config", "refusal", "session"},
	{"config", "textfile"},
	{"web", "auth", "proxy", "proxy/route", "refusal", "session", "textfile", "web/clientaddr", "web/pages"},
	{"web/clientaddr"},
	{"web/listener"},
	{"web/pages", "textfile"},
	{"proxy", "proxy/route", "proxy/socket", "proxy/upstream"},
	{"proxy/socket"},
	{"proxy/upstream", "proxy/route"},
	{"proxy/route", "textfile"},
	{"mail", "auth"},
	{"filestore", "auth", "session", "textfile"},
	{"redisstore", "auth", "doctor", "redisstore/redischecks", "redisstore/redisconn", "session", "tlsfiles"},
	{"redisstore/redischecks", "doctor", "redisstore/redisconn"},
	{"redisstore/redisconn", "storelogin", "tlsfiles"},
	{"sqlstore", "auth", "doctor", "session", "sqlstore/sqlchecks", "sqlstore/sqlconn", "tlsfiles"},
	{"sqlstore/sqlchecks", "doctor", "sqlstore/sqlconn"},
	{"sqlstore/sqlconn", "auth", "storelogin", "tlsfiles"},
	{"auth/authtest/fake", "auth", "session"},
	{"auth/authtest", "auth", "session", "session/sessiontest"},
	{"session/sessiontest", "session"},
	{"auth", "fairqueue", "outagelog", "password", "refusal", "session", "token"},
	{"session", "fairqueue", "outagelog", "refusal", "token"},
	{"fairqueue"},
	{"outagelog"},
	{"password"},
	{"token"},
	{"refusal"},
	{"doctor"},
	{"storelogin"},
	{"logbuffer"},
	{"tlsfiles", "textfile"},
	{"textfile"},
	{"demoapi"},
	{"telemetry"},
	{"servertest"},
	{"spa"},
}

// Test files may know more: what their package may, what that one may, and so
// on, the test support, and filestore for sessions and limits in memory. A
// package's tests still import no package above it, and e2e is a black box.
var (
	testSupport  = []string{"session/sessiontest", "auth/authtest", "auth/authtest/fake", "filestore", "servertest"}
	arrowsOfTest = map[string][]string{
		"bench":     {"auth/authtest/fake", "password", "token"},     // a Service without a database
		"e2e":       {"session/sessiontest", "redisstore/redisconn"}, // a clock; and whether what docker-compose.yml says can be read
		"proxy":     {"web/listener"},                                // the listener that app puts in front of it
		"web/pages": {"proxy/route"},                                 // its check of paths, which those of files pass
	}
)

// onlyForTests are packages that no product code imports; e2e and bench are not
// the product.
var onlyForTests = []string{"session/sessiontest", "auth/authtest", "auth/authtest/fake", "servertest"}

// harnessFolder holds the code that the tests of all packages of e2e share.
const harnessFolder = "bff/e2e/site/"

// owners: which packages may use a library (an import path and what is below it).
// Test files are free.
var owners = map[string][]string{
	"github.com/golang-jwt/jwt":          {"token", "demoapi"}, // an API behind the proxy is not our code
	"github.com/MicahParks":              {"demoapi"},
	"golang.org/x/crypto":                {"password"},
	"github.com/ccojocar/zxcvbn-go":      {"password"},
	"github.com/caarlos0/env":            {"config"},
	"gorm.io":                            {"sqlstore"},
	"github.com/pressly/goose":           {"sqlstore"},
	"modernc.org":                        {"sqlstore", "sqlstore/sqlconn", "sqlstore/sqlchecks"},
	"database/sql":                       {"sqlstore", "servertest", "sqlstore/sqlconn", "sqlstore/sqlchecks"},
	"github.com/go-sql-driver/mysql":     {"sqlstore", "servertest", "sqlstore/sqlconn", "sqlstore/sqlchecks"},
	"github.com/redis/go-redis":          {"redisstore", "redisstore/redischecks", "redisstore/redisconn"},
	"github.com/labstack/echo":           {"web"},
	"github.com/go-json-experiment/json": {"web", "web/pages", "demoapi"},
	"net/http":                           {"main", "app", "web", "web/clientaddr", "web/listener", "web/pages", "proxy", "proxy/route", "proxy/upstream", "demoapi", "telemetry", "e2e", "bench", "operator", "doctor"},
	"net/http/httputil":                  {"proxy", "bench"}, // the bare proxy that ours is measured beside
	"net/http/pprof":                     {"app"},
	"github.com/goccy/go-yaml":           {"proxy/route"},
	"github.com/coder/websocket":         {"demoapi", "proxy", "bench"},
	"github.com/KimMachineGun":           {"app"}, // which cgroup's limit counts; nothing else of it
	"golang.org/x/term":                  {"main"},
	"os/exec":                            {"servertest", "e2e", "bench"},
	"testing":                            {"auth/authtest", "servertest", "session/sessiontest"},
	"github.com/google/go-cmp":           {"auth/authtest", "session/sessiontest"},
	"golang.org/x/net/idna":              {"auth", "proxy"},
	"golang.org/x/text/unicode/norm":     {"auth", "password", "proxy/route"},
	"golang.org/x/net/netutil":           {"operator"}, // a bound of connections
	"golang.org/x/sync":                  {"app", "auth", "auth/authtest", "proxy/upstream", "servertest", "session", "session/sessiontest"},
	"golang.org/x/time":                  {"filestore"},
	"github.com/prometheus":              {"telemetry"},
	"go.opentelemetry.io":                {"telemetry"},
	"github.com/wneessen/go-mail":        {"mail"},
	"net/mail":                           {"mail"},
}

// goStatements: packages do not say go, they expose Run(ctx) error and app
// starts it. x.Go(f) counts too. A goroutine listed here ends before the
// function that starts it returns, unless its line says otherwise.
var goStatements = map[string]string{
	"bff/main.go main":                                      "waits for signals for as long as the process lives",
	"bff/internal/app/run.go Run":                           "the place where everything is started and waited for",
	"bff/internal/app/drain.go drain":                       "two servers are shut down side by side, and waited for",
	"bff/internal/session/run.go Run":                       "the manager's background work, one Run for auth",
	"bff/internal/auth/run.go Run":                          "the service's background work, one Run for app",
	"bff/internal/filestore/tidy.go beginRound":             "a compaction beside the call that made it due; Close waits for it",
	"bff/internal/proxy/upstream/cancellation.go AfterFunc": "ends a derived context, whose lock the caller holds; takes no time",
	"bff/internal/proxy/upstream/health.go probe":           "probes of one round, side by side: a hung upstream must not delay the others",
	"bff/internal/proxy/socket/copy.go CopyBothWays":        "both ways of a WebSocket, after its request; Shutdown ends and awaits them",
	"bff/internal/servertest/process.go Start":              "waits for a server's end, as nothing else tells",
	"bff/internal/servertest/galera.go StartGalera":         "nodes of one cluster, started side by side and waited for",
	"bff/internal/servertest/smtp.go SMTP":                  "a mail server; its test's end waits for it",
	"bff/internal/servertest/smtp.go accept":                "one for each connection; waited for with the server",
	"bff/e2e/stack/main.go services":                        "the demo API, as a process of its own would be",
	"bff/e2e/stack/control.go serve":                        "the tests' listener, beside the product",
	"bff/bench/load/figures.go AtOnce":                      "many clients, waited for",
	"bff/bench/rivals/process.go Start":                     "waits for a program's end, as nothing else tells",
	"bff/bench/rivals/process.go StartPart":                 "the same",
	"bff/bench/rivals/upstream.go UpstreamPart":             "two listeners of a process that ends with its input",
	"bff/bench/rivals/upstream.go serveFast":                "one for each connection, until that is closed",
	"bff/bench/rivals/upstream.go BarePart":                 "a listener of a process that ends with its input",
	"bff/bench/people.go fill":                              "the product in this process, ended and waited for",
	"bff/bench/profile.go profile":                          "a profile is taken while the load runs",
}

// clocks: files that may read the clock. Everywhere else now is passed on. The
// deadline of a connection belongs to the kernel and is exempt anywhere.
var clocks = []string{"bff/main.go"}

// environments: files that may read the environment.
var environments = []string{"bff/main.go"}

// cookieMakers: files that may make a cookie, so that set and clear agree.
var cookieMakers = []string{"bff/internal/web/cookies.go"}

// Bounds of a file, and of a folder without its tests.
const (
	maxLines       = 300
	maxFolderLines = 2500
	maxFolderFiles = 25
)

// meaningless names for a package: everything ends up in one of these.
var meaningless = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "pkg", "misc", "shared", "lib", "base", "core"}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	files := readTree(t, "..", "bff", "spa/*.go")
	if len(files) < 50 {
		t.Fatalf("only %d Go files were found", len(files))
	}
	for _, breach := range slices.Concat(breaches(files), tooBig(files), cycles(files)) {
		t.Error(breach)
	}
}

// A line of a table that nothing uses any more is an open door.
func TestArchitectureTablesHaveNoDeadLines(t *testing.T) {
	t.Parallel()
	files := readTree(t, "..", "bff", "spa/*.go")
	seen := map[string]bool{}
	for _, f := range files {
		seen[f.path] = true
		for _, name := range f.goStatements() {
			seen[name.where] = true
		}
	}
	for where := range goStatements {
		if !seen[where] {
			t.Errorf("goStatements: %q starts nothing; take the line out", where)
		}
	}
	for library, pkgs := range owners {
		for _, pkg := range pkgs {
			exists, uses := false, false
			for _, f := range files {
				exists = exists || f.pkg == pkg
				uses = uses || f.pkg == pkg && f.imports(library)
			}
			if exists && !uses {
				t.Errorf("owners: %s does not import %s any more; take it out", pkg, library)
			}
		}
	}
	for _, list := range [][]string{clocks, environments, cookieMakers} {
		for _, path := range list {
			if !seen[path] {
				t.Errorf("%s does not exist; take it out of the tables", path)
			}
		}
	}
	for _, mistake := range arrows.mistakes(files) {
		t.Error("arrows: " + mistake)
	}
}
