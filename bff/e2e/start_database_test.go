package e2e

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// onOwnMariaDB is the configuration of a product whose MySQL a test stops.
func onOwnMariaDB(t *testing.T) (*site, *servertest.MariaDBHandle) {
	t.Helper()
	s, maria := onServices(t).crowd(), servertest.OwnMariaDB(t)
	s.env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	return s, maria
}

// database is a look into MySQL beside the product.
func (s *site) database() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("mysql", s.env["MYSQL_DSN"])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// withoutMySQL checks what an instance does that has not been able to look at
// its tables: what needs none.
func (s *site) withoutMySQL(with tokens, down string) tokens {
	s.t.Helper()
	s.get("/healthz", tokens{}).want(s.t, 200)
	if ready := s.browser().ready(); ready.StatusCode != 503 || !strings.Contains(ready.text, `"`+down+`"`) {
		s.t.Errorf("readyz: %d %s, want %s", ready.StatusCode, ready.text, down)
	}
	s.get("/api/demo/me", with).want(s.t, 200)
	s.get("/dashboard", with).want(s.t, 200)
	with = s.post("/api/auth/refresh", with).renewed(s.t)
	with = s.get("/api/demo/me", tokens{refresh: with.refresh}).renewed(s.t)
	for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
		a, err := s.tell(path, credentials("ada@example.com"))
		if err != nil {
			s.t.Fatal(err)
		}
		if a.want(s.t, 503, "database_unavailable"); len(a.Cookies()) != 0 || a.Header.Get("Retry-After") == "" {
			s.t.Errorf("%s: cookies %v, Retry-After %q", path, a.setCookies(), a.Header.Get("Retry-After"))
		}
	}
	return with
}

func (s *site) becomesReady() {
	s.t.Helper()
	s.eventually("readiness", func() bool { return s.browser().ready().StatusCode == 200 })
}

// An instance that starts while MySQL is away used to end at once: a rollout
// during an outage, in which sessions and proxied calls went on, ended those too.
func TestInstanceStartsWithoutMySQL(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	p := pair{a: s.start()}
	with := p.a.somebody("ada@example.com")
	for name, trouble := range map[string]struct{ begin, end func() }{
		"stopped": {maria.Stop, maria.Start},
		"hangs":   {maria.Pause, maria.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			leaves := p.a.signedIn("ada@example.com")
			trouble.begin()
			p.b = p.a.twin()
			with = p.b.withoutMySQL(with, "mysql")
			p.a.post("/api/auth/logout", leaves).want(t, 204)
			p.b.eventually("the sign-out", func() bool { return p.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
			trouble.end()
			p.b.becomesReady()
			p.b.signedIn("ada@example.com")
			if said := strings.Count(p.b.logs.String(), "MySQL cannot be asked"); said != 1 {
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
	s.start()
	maria.Start()
	s.becomesReady()
	s.somebody("ada@example.com")
}

// The log told of the outage alone, while what was wrong was the password by then.
func TestLogSaysThatMySQLRefusesAfterAnOutage(t *testing.T) {
	t.Parallel()
	s, maria := onOwnMariaDB(t)
	right := s.env["MYSQL_DSN"]
	maria.Stop()
	s.env["MYSQL_DSN"] = strings.Replace(right, ":gatehouse@", ":guessed@", 1)
	s.start()
	maria.Start()
	s.eventually("the refusal in the log", func() bool { return strings.Contains(s.logs.String(), "Access denied") })
	logs := s.logs.String()
	if away, refuses := strings.Count(logs, "MySQL cannot be asked"), strings.Count(logs, "MySQL refuses"); away != 1 || refuses != 1 || strings.Contains(logs, "guessed") {
		t.Errorf("%d lines of the outage and %d of the refusal, want one each:\n%s", away, refuses, logs)
	}
	s.get("/healthz", tokens{}).want(t, 200)
}

// While another process has the lock, as one does that makes an index of a big
// table for minutes, an instance that starts says that it lives and is not
// ready, and load balancers leave people with the instances that can sign them
// in. Before, it listened nowhere.
func TestInstanceThatWaitsForTheTablesLivesAndIsNotReady(t *testing.T) {
	t.Parallel()
	a := onServices(t).crowd().start()
	with := a.somebody("ada@example.com")
	cfg, err := mysql.ParseDSN(a.env["MYSQL_DSN"])
	if err != nil {
		t.Fatal(err)
	}
	conn, err := a.database().Conn(t.Context())
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
		a.undecided = true
		b := a.twin()
		ops := *b
		ops.base = b.ops
		ops.get("/livez", tokens{}).want(t, 200)
		b.eventually("the migration to begin", func() bool { return strings.Contains(ops.get("/readyz", tokens{}).text, `"migrating"`) })
		if said := b.get("/healthz", tokens{}); said.StatusCode != 503 || said.text != "migrating" {
			t.Errorf("healthz: %d %s", said.StatusCode, said.text)
		}
		// People who come all the same get what there is.
		b.get("/api/demo/me", with).want(t, 200)
		ops.get("/livez", tokens{}).want(t, 200)
		if strings.Contains(b.logs.String(), "Gatehouse is ready") {
			t.Error("it says that it is ready")
		}
		if ends {
			b.stop() // with the lock still held: fails the test when it does not end
			continue
		}
		if _, err := conn.ExecContext(t.Context(), "DO RELEASE_LOCK(?)", lock); err != nil {
			t.Fatal(err)
		}
		b.becomesReady()
		b.get("/healthz", tokens{}).want(t, 200)
		b.signedIn("ada@example.com")
		b.eventually("the announcement", func() bool { return strings.Contains(b.logs.String(), "Gatehouse is ready") })
	}
}

// runFails starts a product that ends by itself, and gives the reason.
func runFails(t *testing.T, s *site, extra ...string) string {
	t.Helper()
	env := map[string]string{}
	for name, value := range s.env {
		env[name] = value
	}
	env["LISTEN_ADDR"], env["OPS_ADDR"] = freeAddr(t), freeAddr(t)
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), app.Options{Config: c, Log: slog.New(slog.DiscardHandler), HashCost: quickHash, Now: s.local})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s.eventually("the end", func() bool {
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
	a := s.start()
	with := a.somebody("ada@example.com")
	if got := runFails(t, a, "MYSQL_DSN", strings.Replace(a.env["MYSQL_DSN"], ":gatehouse@", ":guessed@", 1)); !strings.Contains(got, "Access denied") || strings.Contains(got, "guessed") {
		t.Errorf("a wrong password: %s", got)
	}
	if _, err := a.database().ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if got := runFails(t, a); !strings.Contains(got, "newer version of Gatehouse") {
		t.Errorf("newer tables: %s", got)
	}
	maria.Stop()
	b := a.twin()
	maria.Start()
	b.eventually("the tables to be looked at", func() bool { return strings.Contains(b.browser().ready().text, `"schema_newer"`) })
	with = b.withoutMySQL(with, "schema_newer")
	// The one that runs on them since before goes on: an upgrade is under way.
	a.becomesReady()
	a.signedIn("ada@example.com")
	a.get("/api/auth/me", with).want(t, 200)
	if _, err := b.database().ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 9999"); err != nil {
		t.Fatal(err)
	}
	b.becomesReady() // the backup has been restored
	b.signedIn("ada@example.com")
}
