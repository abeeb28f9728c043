package outage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// onOwnMariaDB is the configuration of a product whose MySQL a test stops.
func onOwnMariaDB(t *testing.T) (*site.Harness, *servertest.MariaDBHandle) {
	t.Helper()
	s, maria := site.OnServices(t).TrustLoopback(), servertest.OwnMariaDB(t)
	s.Env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	return s, maria
}

// openDatabase is a look into MySQL beside the product.
func openDatabase(s *site.Harness) *sql.DB {
	s.T.Helper()
	db, err := sql.Open("mysql", s.Env["MYSQL_DSN"])
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = db.Close() })
	return db
}

// withoutMySQL checks what an instance does that has not been able to look at
// its tables: what needs none.
func withoutMySQL(s *site.Harness, with site.Tokens, down string) site.Tokens {
	s.T.Helper()
	s.Get("/healthz", site.Tokens{}).Want(s.T, 200)
	if ready := s.Browser().Readyz(); ready.StatusCode != 503 || !strings.Contains(ready.Text, `"`+down+`"`) {
		s.T.Errorf("readyz: %d %s, want %s", ready.StatusCode, ready.Text, down)
	}
	s.Get("/api/demo/me", with).Want(s.T, 200)
	s.Get("/dashboard", with).Want(s.T, 200)
	with = s.Post("/api/auth/refresh", with).Refreshed(s.T)
	with = s.Get("/api/demo/me", site.Tokens{Refresh: with.Refresh}).Refreshed(s.T)
	for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
		a, err := s.PostJSON(path, site.Credentials("ada@example.com"))
		if err != nil {
			s.T.Fatal(err)
		}
		if a.Want(s.T, 503, "database_unavailable"); len(a.Cookies()) != 0 || a.Header.Get("Retry-After") == "" {
			s.T.Errorf("%s: cookies %v, Retry-After %q", path, a.SetCookies(), a.Header.Get("Retry-After"))
		}
	}
	return with
}

func becomesReady(s *site.Harness) {
	s.T.Helper()
	s.Eventually("readiness", func() bool { return s.Browser().Readyz().StatusCode == 200 })
}

// An instance that starts while MySQL is away used to end at once: a rollout
// during an outage, in which sessions and proxied calls went on, ended those too.
func TestInstanceStartsWithoutMySQL(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	p := site.Pair{A: s.Start()}
	with := p.A.MemberTokens("ada@example.com")
	for name, trouble := range map[string]struct{ begin, end func() }{
		"stopped": {maria.Stop, maria.Start},
		"hangs":   {maria.Pause, maria.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			leaves := p.A.SignInTokens("ada@example.com")
			trouble.begin()
			p.B = p.A.Twin()
			with = withoutMySQL(p.B, with, "mysql")
			p.A.Post("/api/auth/logout", leaves).Want(t, 204)
			p.B.Eventually("the sign-out", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
			trouble.end()
			becomesReady(p.B)
			p.B.SignInTokens("ada@example.com")
			if said := strings.Count(p.B.Logs.String(), "MySQL cannot be asked"); said != 1 {
				t.Errorf("the outage is %d lines in the log", said)
			}
		})
	}
}

// The first instance of all makes the tables when the database is there.
func TestTablesAreMadeWhenMySQLComes(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	maria.Stop()
	s.Start()
	maria.Start()
	becomesReady(s)
	s.MemberTokens("ada@example.com")
}

// The log told of the outage alone, while what was wrong was the password by then.
func TestLogSaysThatMySQLRefusesAfterAnOutage(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	right := s.Env["MYSQL_DSN"]
	maria.Stop()
	s.Env["MYSQL_DSN"] = strings.Replace(right, ":gatehouse@", ":guessed@", 1)
	s.Start()
	maria.Start()
	s.Eventually("the refusal in the log", func() bool { return strings.Contains(s.Logs.String(), "Access denied") })
	logs := s.Logs.String()
	if away, refuses := strings.Count(logs, "MySQL cannot be asked"), strings.Count(logs, "MySQL refuses"); away != 1 || refuses != 1 || strings.Contains(logs, "guessed") {
		t.Errorf("%d lines of the outage and %d of the refusal, want one each:\n%s", away, refuses, logs)
	}
	s.Get("/healthz", site.Tokens{}).Want(t, 200)
}

// While another process has the lock, as one does that makes an index of a big
// table for minutes, an instance that starts says that it lives and is not
// ready, and load balancers leave people with the instances that can sign them
// in. Before, it listened nowhere.
func TestInstanceThatWaitsForTheTablesLivesAndIsNotReady(t *testing.T) {
	t.Parallel()
	a := site.OnServices(t).TrustLoopback().Start()
	with := a.MemberTokens("ada@example.com")
	cfg, err := mysql.ParseDSN(a.Env["MYSQL_DSN"])
	if err != nil {
		t.Fatal(err)
	}
	conn, err := openDatabase(a).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sum := sha256.Sum256([]byte(cfg.DBName))
	lock := fmt.Sprintf("gatehouse-migrate-%x", sum[:16])
	if _, err := conn.ExecContext(t.Context(), "DO GET_LOCK(?, 10)", lock); err != nil {
		t.Fatal(err)
	}
	for _, ends := range []bool{true, false} {
		a.SkipSchemaWait = true
		b := a.Twin()
		ops := *b
		ops.Base = b.Ops
		ops.Get("/livez", site.Tokens{}).Want(t, 200)
		b.Eventually("the migration to begin", func() bool { return strings.Contains(ops.Get("/readyz", site.Tokens{}).Text, `"migrating"`) })
		if said := b.Get("/healthz", site.Tokens{}); said.StatusCode != 503 || said.Text != "migrating" {
			t.Errorf("healthz: %d %s", said.StatusCode, said.Text)
		}
		// People who come all the same get what there is.
		b.Get("/api/demo/me", with).Want(t, 200)
		ops.Get("/livez", site.Tokens{}).Want(t, 200)
		if strings.Contains(b.Logs.String(), "Gatehouse is ready") {
			t.Error("it says that it is ready")
		}
		if ends {
			b.Stop() // with the lock still held: fails the test when it does not end
			continue
		}
		if _, err := conn.ExecContext(t.Context(), "DO RELEASE_LOCK(?)", lock); err != nil {
			t.Fatal(err)
		}
		becomesReady(b)
		b.Get("/healthz", site.Tokens{}).Want(t, 200)
		b.SignInTokens("ada@example.com")
		b.Eventually("the announcement", func() bool { return strings.Contains(b.Logs.String(), "Gatehouse is ready") })
	}
}

// runFails starts a product that ends by itself, and gives the reason.
func runFails(t *testing.T, s *site.Harness, extra ...string) string {
	t.Helper()
	env := map[string]string{}
	for name, value := range s.Env {
		env[name] = value
	}
	env["LISTEN_ADDR"], env["OPS_ADDR"] = site.FreeAddr(t), site.FreeAddr(t)
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), HashCost: site.QuickHash, Now: s.LocalTime})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s.Eventually("the end", func() bool {
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	if err == nil {
		t.Fatal("it ended without a reason")
	}
	return err.Error()
}

// Tables of a newer version, and a database that refuses, stop a rollout: the
// process ends and says why. One that is running already when it finds that out,
// because MySQL was away, goes on with what needs no database.
func TestTablesOfANewerVersion(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	a := s.Start()
	with := a.MemberTokens("ada@example.com")
	if got := runFails(t, a, "MYSQL_DSN", strings.Replace(a.Env["MYSQL_DSN"], ":gatehouse@", ":guessed@", 1)); !strings.Contains(got, "Access denied") || strings.Contains(got, "guessed") {
		t.Errorf("a wrong password: %s", got)
	}
	if _, err := openDatabase(a).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if got := runFails(t, a); !strings.Contains(got, "newer version of Gatehouse") {
		t.Errorf("newer tables: %s", got)
	}
	maria.Stop()
	b := a.Twin()
	maria.Start()
	b.Eventually("the tables to be looked at", func() bool { return strings.Contains(b.Browser().Readyz().Text, `"schema_newer"`) })
	with = withoutMySQL(b, with, "schema_newer")
	// The one that runs on them since before goes on: an upgrade is under way.
	becomesReady(a)
	a.SignInTokens("ada@example.com")
	a.Get("/api/auth/me", with).Want(t, 200)
	if _, err := openDatabase(b).ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 9999"); err != nil {
		t.Fatal(err)
	}
	becomesReady(b) // the backup has been restored
	b.SignInTokens("ada@example.com")
}
