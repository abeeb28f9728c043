package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Tries of a migration that failed. With several primaries two processes can
// migrate side by side, as the lock is known on its own node alone: what one has
// just done is in the other's way, and done when that one looks again.
const (
	migrationTries = 4
	migrationPause = 500 * time.Millisecond
)

// migrateSteps applies the migrations that are missing, one after the other. It
// ends between two of them when ctx does.
func (db *DB) migrateSteps(ctx context.Context, p *goose.Provider, pool *sql.DB, files fs.FS) error {
	// A statement that has begun is not given up: MySQL would carry it through
	// although nothing waits for it.
	lasting := context.WithoutCancel(ctx)
	for try := 1; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := p.UpByOne(lasting)
		if partial, ok := errors.AsType[*goose.PartialError](err); ok {
			err = db.stepDone(lasting, partial, pool, files)
		}
		switch {
		case err == nil:
			try = 1 // each migration has as many
			continue
		case errors.Is(err, goose.ErrNoNextVersion):
			return nil
		case try == migrationTries || ctx.Err() != nil || !db.dialect.manyPrimaries:
			return err
		}
		select {
		case <-time.After(rand.N(migrationPause)): //nolint:gosec // no secret: it only differs from others'
			try++
		case <-ctx.Done():
			return err
		}
	}
}

// stepDone looks whether a statement failed because it has been carried out
// before, by a process that was killed before it could note so down: such a
// migration was never finished. It notes that down then. Otherwise it returns the
// error of the statement, or says what is in its way.
func (db *DB) stepDone(ctx context.Context, failure *goose.PartialError, pool *sql.DB, files fs.FS) error {
	if db.dialect.isDone == nil || failure.Failed.Source.Type != goose.TypeSQL {
		return failure
	}
	text, err := fs.ReadFile(files, failure.Failed.Source.Path)
	if err != nil {
		return errors.Join(failure, err)
	}
	done, err := db.dialect.isDone(ctx, pool, statementOf(string(text)), failure.Err)
	if err != nil {
		return fmt.Errorf("%w: %w", err, failure)
	}
	if !done {
		return failure
	}
	versions, err := database.NewStore(db.dialect.goose, goose.DefaultTablename)
	if err != nil {
		return err
	}
	version := failure.Failed.Source.Version
	db.log.Info("migration was carried out before and not noted down", "version", version)
	return versions.Insert(ctx, pool, database.InsertRequest{Version: version})
}

// statementOf is the one statement of a migration's file, without comments before
// it.
func statementOf(text string) string {
	_, statement, _ := strings.Cut(text, "-- +goose Up\n")
	return strings.TrimSuffix(strings.TrimSpace(statement), ";")
}

// otherEngines are the files that are for other databases than this one. A file
// for one of them alone is called NNNN_name.mysql.sql, for instance.
func (db *DB) otherEngines(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "*.*.sql")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, "."+db.orm.Name()+".sql")
	}), nil
}
