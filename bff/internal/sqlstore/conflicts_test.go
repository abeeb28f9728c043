package sqlstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// A row that others hold all the time was an outage of the database.
func TestWriteConflictIsNoOutage(t *testing.T) {
	c := Config{MySQLDSN: servertest.MariaDB(t)}
	holder := migrated(t, c)
	u := auth.User{ID: "u", Email: auth.Email{Address: "u", Key: "u"}, Role: auth.RoleUser, PasswordHash: "h"}
	if err := holder.Create(t.Context(), u, auth.Event{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	tx, err := holder.sql.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "SELECT * FROM users WHERE id = 'u' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	var outages []error
	c.Observe = func(ctx context.Context, _ string) (context.Context, func(error)) {
		return ctx, func(err error) { outages = append(outages, err) }
	}
	c.MySQLDSN += "?innodb_lock_wait_timeout=1"
	c.QuestionTimeout = 3 * time.Second
	db := openDB(t, c)
	_, err = db.Change(t.Context(), "u", auth.UserChange{Name: new("N")}, auth.Event{ID: "2"})
	if !errors.Is(err, auth.ErrWriteConflict) {
		t.Errorf("%v, want ErrWriteConflict", err)
	}
	if len(outages) != 1 || outages[0] != nil {
		t.Errorf("counted as outages: %v", outages)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Change(t.Context(), "u", auth.UserChange{Name: new("N")}, auth.Event{ID: "2"}); err != nil {
		t.Errorf("the row is free: %v", err)
	}
}

func TestConflictsAreKnownByTheirNumbers(t *testing.T) {
	for number, want := range map[uint16]bool{
		1205: true, 1213: true, 3101: true, 8002: true, 8005: true, 8028: true, 9007: true, // Galera, Group Replication, TiDB
		1062: false, 1047: false, 1290: false, 1969: false, 3024: false, 1146: false,
	} {
		if got := mysqlConflict(&mysql.MySQLError{Number: number}); got != want {
			t.Errorf("%d is a conflict: %t, want %t", number, got, want)
		}
	}
}

// What collides is tried again until the deadline, and not four times at once.
func TestCollisionsAreTriedUntilTheDeadline(t *testing.T) {
	d := mysqlDialect("x")
	deadlock := &mysql.MySQLError{Number: 1213}
	tries := 0
	err := d.persist(within(t, time.Minute), func() error {
		if tries++; tries < 12 {
			return deadlock
		}
		return nil
	})
	if err != nil || tries != 12 {
		t.Errorf("%v after %d tries", err, tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = d.persist(ctx, func() error { cancel(); return deadlock })
	if !errors.Is(err, deadlock) {
		t.Errorf("%v, want the collision", err)
	}
	// The deadline cuts the last try off: it still was for the collision.
	ctx, cancel = context.WithCancel(t.Context())
	tries = 0
	err = d.persist(ctx, func() error {
		if tries++; tries == 1 {
			return deadlock
		}
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, deadlock) || !errors.Is(err, context.Canceled) || !d.conflicted(err) {
		t.Errorf("%v, want both", err)
	}
	broken := errors.New("the server is away")
	tries = 0
	if err := d.persist(within(t, time.Minute), func() error { tries++; return broken }); !errors.Is(err, broken) || tries != 1 {
		t.Errorf("%v after %d tries, want one", err, tries)
	}
}
