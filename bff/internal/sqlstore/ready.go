package sqlstore

import (
	"context"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Ping asks whether the database takes writes, by one that changes nothing.
// Servers that are read-only after a failover, and nodes of a Galera cluster
// that have lost the others (1047), answer COM_PING like any other; instances
// said that they were ready, and every sign-in was a 503. It fails while the
// questions are held. Errors wrap auth.ErrDatabase.
func (db *DB) Ping(ctx context.Context) error {
	err := db.do(ctx, "ping", func(orm *gorm.DB) error {
		return deletePendingSync(orm, auth.PendingSync{}).Error
	})
	return failed(ctx, "ping", err)
}

// Reach connects to the database and asks it nothing, so that it succeeds before
// Migrate has. Errors wrap auth.ErrDatabase.
func (db *DB) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	return failed(ctx, "connect", db.conn.Persist(ctx, func() error { return db.conn.PingContext(ctx) }))
}

// Hold has every question fail with why, and nil ends that: the tables may not be
// those that this binary knows. Migrate goes on.
func (db *DB) Hold(why error) {
	if why == nil {
		db.held.Store(nil)
		return
	}
	db.held.Store(&why)
}

// NewLogin reads a DSN that differs in the user and the password from the one that
// the database was opened with, and gives what puts them in force for the
// connections to come. Its errors do not repeat the value.
func (db *DB) NewLogin(dsn string) (put func(), err error) { return db.conn.NewLogin(dsn) }
