package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrSchemaNewer means that a newer Gatehouse has migrated this database.
var ErrSchemaNewer = errors.New("the database was migrated by a newer version of Gatehouse: run that version, or restore the backup made before it was started")

// Migrate brings the schema to the version of this binary. It runs under a
// lock: of several processes that start at once one migrates, the others wait,
// at most until ctx ends, and find nothing left to do. Errors are ErrSchemaNewer
// or wrap auth.ErrDatabase.
//
// When ctx ends it ends between two steps, and the next start goes on there. A
// statement that has begun is not given up: MySQL carries it through although
// nothing waits for it.
func (db *DB) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return db.migrate(ctx, files)
}

func (db *DB) migrate(ctx context.Context, files fs.FS) (err error) {
	if err := ctx.Err(); err != nil {
		return failed(ctx, "migrate", err)
	}
	pool, err := db.conn.OpenForMigration()
	if err != nil {
		return failed(ctx, "migrate", err)
	}
	defer func() {
		if closing := pool.Close(); err == nil {
			err = failed(ctx, "migrate", closing)
		}
	}()
	lock := db.dialect.lock
	lock.ctx, lock.log = ctx, db.log
	others, err := db.otherEngines(files)
	steps, stepsErr := db.auditSteps(ctx, files)
	if err := errors.Join(err, stepsErr); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	p, err := goose.NewProvider(db.dialect.goose, pool, files,
		goose.WithExcludeNames(others),
		goose.WithGoMigrations(steps...),
		goose.WithSessionLocker(&lock),
		goose.WithSlog(db.log),
		goose.WithDisableGlobalRegistry(true),
		// No transaction of goose's own: MySQL commits DDL by itself, and
		// SQLite's is the lock.
		goose.WithIsolateDDL(true),
	)
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	// Reach the server under ctx first: what follows would not listen to it.
	reaching, cancel := context.WithTimeout(ctx, sqlconn.IOTimeout)
	defer cancel()
	if err := db.conn.Persist(reaching, func() error { return pool.PingContext(reaching) }); err != nil {
		return failed(ctx, "migrate", err)
	}
	// Status is called for its side effect: it makes goose's own table
	// under the lock, if that is missing. Up looks into the table before it
	// takes the lock, and two of them looking at once used to end with "missing
	// zero version migration".
	locked := context.WithoutCancel(ctx)
	if _, err := p.Status(locked); err != nil {
		return failed(ctx, "migrate", err)
	}
	upErr := db.migrateSteps(ctx, p, pool, files) // leaves alone what is newer than its files
	if have, want, err := p.GetVersions(locked); err == nil && have > want {
		return fmt.Errorf("sqlstore: migrate: %w (schema %d, this binary knows %d)", ErrSchemaNewer, have, want)
	}
	return failed(ctx, "migrate", upErr)
}

// migrationLock is what keeps two processes from migrating at once. It takes
// its context from the caller of Migrate, where goose's would never end.
type migrationLock struct {
	ctx context.Context
	log *slog.Logger

	// try takes the lock, or reports after a few seconds at most that another
	// process has it.
	try  func(ctx context.Context, conn *sql.Conn) (bool, error)
	free func(ctx context.Context, conn *sql.Conn) error
}

// SessionLock implements goose's lock.SessionLocker.
func (l *migrationLock) SessionLock(_ context.Context, conn *sql.Conn) error {
	for logged := false; ; {
		held, err := l.try(l.ctx, conn)
		if err != nil || held {
			return err
		}
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if !logged {
			l.log.Info("waiting for another process to finish migrating the database")
			logged = true
		}
	}
}

// SessionUnlock implements goose's lock.SessionLocker.
func (l *migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	return l.free(ctx, conn)
}
