package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

func TestOpenRefusesABadDSNWithoutTellingIt(t *testing.T) {
	for dsn, want := range map[string]string{
		"app:hunter2@tcp(db:3306)/":                          "names no database",
		"app:hunter2@tcp(db:3306)":                           "missing the slash",
		"app:hunter2@tcp(db:3306)?parseTime=true":            "missing the slash",
		"mysql://app:hunter2@db:3306/gatehouse":              "not valid",
		"app:hunter2@hunter2(db:3306)/gatehouse":             "not valid",
		"app:x@hunter2/gatehouse":                            "not valid",
		"app:hunter2@tcp(db:3306/gatehouse":                  "missing closing brace",
		"app:pw@tcp(db)/hunter2%zz":                          "not valid",
		"app:pw@tcp(db)/gatehouse?tls=hunter2":               "not valid",
		"app:pw@tcp(db)/gatehouse?multiStatements=hunter2":   "not valid",
		"app:pw@tcp(db)/gatehouse?timeout=hunter2":           "not valid",
		"app:pw@tcp(db)/gatehouse?connectionAttributes=%ZZz": "not valid",
	} {
		_, err := Open(t.Context(), Config{MySQLDSN: dsn, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dsn, err, want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in: %v", err)
		}
		if !strings.Contains(err.Error(), "user:password@tcp(host:3306)/") {
			t.Errorf("no example in: %v", err)
		}
	}
}

func TestOpenWantsOneDatabase(t *testing.T) {
	for _, c := range []Config{
		{Now: time.Now},
		{Now: time.Now, MySQLDSN: "app@tcp(db)/gatehouse", SQLitePath: t.TempDir() + "/x.db"},
		{SQLitePath: t.TempDir() + "/x.db"},
	} {
		if db, err := Open(t.Context(), c); err == nil {
			t.Errorf("%+v was accepted", c)
			db.Close()
		}
	}
}

// The server in the tests is as lenient as servers get; ours is not to be.
func TestMySQLIsStrict(t *testing.T) {
	db := migrated(t, Config{MySQLDSN: servertest.MariaDB(t)})
	long := "INSERT INTO login_audit VALUES ('id', '" + strings.Repeat("x", 33) + "', '', '', '', '', '', '', '', 0)"
	if err := db.orm.Exec(long).Error; err == nil {
		t.Error("a value too long was cut without a word")
	}
	if err := db.orm.Exec("DO 1; DO 2").Error; err == nil {
		t.Error("two statements passed as one")
	}
}

func TestMySQLOutage(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	db := migrated(t, Config{MySQLDSN: server.Database()})
	u := auth.User{ID: "id", Email: auth.Email{Address: "a@example.com", Key: "a@example.com"}, Role: session.RoleUser, PasswordHash: "h"}
	if err := db.Create(t.Context(), u, auth.Event{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	ask := func(ctx context.Context) error {
		_, err := db.ByEmail(ctx, u.Email.Key)
		return err
	}
	// Several connections of the pool, so that several are stale afterwards.
	var run errgroup.Group
	for range 2 * sqlconn.MaxConnections {
		run.Go(func() error { return ask(t.Context()) })
	}
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}

	for name, end := range map[string]func(){"stopped": server.Stop, "killed": server.Kill} {
		end()
		began := time.Now()
		for what, err := range map[string]error{
			"ByEmail": ask(t.Context()),
			"Create":  db.Create(t.Context(), u, auth.Event{ID: "2"}),
			"Append":  db.Append(t.Context(), auth.Event{ID: "3"}),
			"Change":  errOf(db.Change(t.Context(), u.ID, auth.UserChange{Role: new(session.RoleAdmin)})),
			"Delete":  db.Delete(t.Context(), u.ID, auth.Event{ID: "5"}, auth.PendingSync{ID: "settlement " + u.ID, UserID: u.ID}),
			"List":    listError(db.List(t.Context(), auth.UserQuery{Limit: 1})),
			"Page":    errOf(db.Page(t.Context(), auth.EventQuery{Limit: 1})),
			"Ping":    db.Ping(t.Context()),
			"Migrate": db.Migrate(t.Context()),
		} {
			if !errors.Is(err, auth.ErrDatabase) || errors.Is(err, auth.ErrNoUser) {
				t.Errorf("%s, server %s: %v, want ErrDatabase", what, name, err)
			}
		}
		if took := time.Since(began); took > patience/2 { // none waited for its timeout
			t.Errorf("server %s: it took %v to notice", name, took)
		}
		server.Start()
		for range 2 * sqlconn.MaxConnections {
			if err := ask(t.Context()); err != nil {
				t.Fatalf("after the server came back: %v", err)
			}
		}
	}

	// A server that accepts and says nothing ends with the caller's patience.
	server.Pause()
	began := time.Now()
	for what, err := range map[string]error{
		"ByEmail": ask(within(t, 200*time.Millisecond)),
		"Create":  db.Create(within(t, 200*time.Millisecond), u, auth.Event{ID: "4"}),
		"Delete":  db.Delete(within(t, 200*time.Millisecond), u.ID, auth.Event{ID: "6"}, auth.PendingSync{ID: "s", UserID: u.ID}),
		"Ping":    db.Ping(within(t, 200*time.Millisecond)),
	} {
		if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, server paused: %v, want ErrDatabase and context.DeadlineExceeded", what, err)
		}
	}
	if took := time.Since(began); took > sqlconn.IOTimeout {
		t.Errorf("deadlines of 0.2 s took %v", took)
	}
	server.Resume()
	if err := ask(t.Context()); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func listError(_ []auth.User, _ auth.Position, err error) error { return err }

func errOf[T any](_ T, err error) error { return err }

// Open succeeds while the server is away, and what it opened works once it is
// there.
func TestOpenBeforeTheServerIsThere(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	dsn := server.Database()
	server.Stop()
	db := openDB(t, Config{MySQLDSN: dsn})
	if err := db.Migrate(t.Context()); !errors.Is(err, auth.ErrDatabase) {
		t.Errorf("Migrate: %v, want ErrDatabase", err)
	}
	server.Start()
	if err := db.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two sign-ups wait for a third with the same address; when that one is rolled
// back MySQL gives both a shared lock, sees that neither can go on, and kills
// one.
func TestCreateSurvivesADeadlock(t *testing.T) {
	db := migrated(t, Config{MySQLDSN: servertest.MariaDB(t)})
	const key = "deadlock@example.com"
	row := userRow{ID: "first", EmailKey: key, Email: key, Role: "user", PasswordHash: "h"}
	first := db.orm.Begin()
	if err := first.Create(&row).Error; err != nil {
		t.Fatal(err)
	}

	errs := make([]error, 2)
	var run errgroup.Group
	for i := range errs {
		run.Go(func() error {
			id := fmt.Sprint(i)
			errs[i] = db.Create(t.Context(), auth.User{ID: id, Email: auth.Email{Address: key, Key: key}, Role: session.RoleUser, PasswordHash: "h"}, auth.Event{ID: id})
			return nil
		})
	}
	waiting := func(tx *gorm.DB) (n int) {
		if err := tx.Raw("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	deadline := time.Now().Add(patience / 2)
	for waiting(db.orm) < 2 && time.Now().Before(deadline) {
		time.Sleep(150 * time.Millisecond) // asked more often, MariaDB repeats its last answer
	}
	if err := first.Rollback().Error; err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, auth.ErrEmailTaken) {
			t.Errorf("the loser got %v, want ErrEmailTaken", err)
		}
	}
	if won != 1 {
		t.Errorf("%d accounts were made, want 1", won)
	}
}
