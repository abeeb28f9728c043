package sqlstore

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// After a failover the pool still had connections to the server that was the
// writer; each answered 1290 for the five minutes that a connection is kept.
func TestConnectionsToAWriterThatWasDemotedAreClosed(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	dsn := server.Database()
	db, watcher := migrated(t, Config{MySQLDSN: dsn, MaxConnections: 1}), openDB(t, Config{MySQLDSN: dsn})
	connection := func() (id int64) {
		t.Helper()
		if err := db.orm.Raw("SELECT CONNECTION_ID()").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		return id
	}
	create := func(ctx context.Context, id string) error {
		return db.Create(ctx, auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: auth.RoleUser, PasswordHash: "h"}, auth.Event{ID: id})
	}
	before := connection()
	server.AsRoot("SET GLOBAL read_only = ON")
	// A transaction that begins there waits until the address leads to a writer.
	created := make(chan error, 1)
	go func() { created <- create(t.Context(), "a") }()
	await(t, "the connection is given up", func() bool {
		var old int
		err := watcher.orm.Raw("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", before).Scan(&old).Error
		return err == nil && old == 0
	})
	server.AsRoot("SET GLOBAL read_only = OFF")
	if err := <-created; err != nil {
		t.Errorf("a writer is there again: %v", err)
	}
	if after := connection(); after == before {
		t.Error("the connection to the server that had been demoted is still used")
	}
	// One that stays is an outage, within the time of a question.
	server.AsRoot("SET GLOBAL read_only = ON")
	db.timeout = questionTimeout
	if err := create(t.Context(), "b"); !errors.Is(err, auth.ErrDatabase) || errors.Is(err, auth.ErrWriteConflict) {
		t.Errorf("%v, want ErrDatabase", err)
	}
	server.AsRoot("SET GLOBAL read_only = OFF")
}
