package sqlstore

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// After a failover the pool still had connections to the server that was the
// writer; each answered 1290 for the five minutes that a connection is kept.
func TestConnectionsToAWriterThatWasDemotedAreClosed(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	db := migrated(t, Config{MySQLDSN: server.Database(), MaxConnections: 1})
	connection := func() (id int64) {
		t.Helper()
		if err := db.orm.Raw("SELECT CONNECTION_ID()").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		return id
	}
	create := func(ctx context.Context, id string) error {
		return db.Create(ctx, auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleUser, PasswordHash: "h"}, auth.Event{ID: id})
	}
	before := connection()
	server.AsRoot("SET GLOBAL read_only = ON")
	// One that stays read-only is an outage, and not for as long as a question
	// may take.
	if err := create(t.Context(), "a"); !errors.Is(err, auth.ErrDatabase) || errors.Is(err, auth.ErrWriteConflict) {
		t.Errorf("%v, want ErrDatabase", err)
	}
	if after := connection(); after == before {
		t.Error("the connection to a server that only reads is still used")
	}
	before = connection()
	server.AsRoot("SET GLOBAL read_only = OFF")
	if err := create(t.Context(), "a"); err != nil {
		t.Errorf("it takes writes again: %v", err)
	}
	if after := connection(); after != before {
		t.Error("a connection to a writer was given up")
	}
}
