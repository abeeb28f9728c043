package sqlstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// A row that others hold all the time was an outage of the database.
func TestWriteConflictIsNoOutage(t *testing.T) {
	c := Config{MySQLDSN: servertest.MariaDB(t)}
	holder := migrated(t, c)
	u := auth.User{ID: "u", Email: auth.Email{Address: "u", Key: "u"}, Role: session.RoleUser, PasswordHash: "h"}
	if err := holder.Create(t.Context(), u, auth.Event{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	tx, err := holder.conn.BeginTx(t.Context(), nil)
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
