package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// backupStep is how many pages, of mostly 4 KB, are copied between two looks at
// whether the copy is still wanted.
const backupStep = 256

// Backup writes a copy of the SQLite file to path, which must not exist, while
// the database is read and written: all of it as it is at the moment when
// moment is called. No other connection writes until that returns, so that other stores
// can be read as they are then. The copy holds password hashes, as the
// original does, and has its mode. It is whole and on the disk when Backup
// returns, and not there when Backup fails.
func (db *DB) Backup(ctx context.Context, path string, moment func() error) (err error) {
	if db.orm.Name() != "sqlite" {
		return errors.New("sqlstore: back up: the database is MySQL: use its own tools, such as mysqldump --single-transaction")
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	// SQLite would make the file readable for everybody; an empty one it takes.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	conn, err := db.conn.Conn(ctx)
	if err != nil {
		return failed(ctx, "back up", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := db.beginSnapshot(ctx, conn, moment); err != nil {
		return err
	}
	// No question of a request: it takes as long as the file is big.
	err = conn.Raw(func(driver any) error { return copyPages(ctx, driver, path) })
	if _, back := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err == nil {
		err = back
	}
	switch {
	case ctx.Err() != nil:
		return failed(ctx, "back up", err)
	case err != nil: // most of the time the copy's disk is full
		return fmt.Errorf("sqlstore: copy to %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sqlstore: back up: %w", err)
	}
	return nil
}

// beginSnapshot begins a transaction that reads, on conn, and calls moment before
// another connection can have written more than that transaction sees. VACUUM INTO would not run
// in it.
func (db *DB) beginSnapshot(ctx context.Context, conn *sql.Conn, moment func() error) (err error) {
	writer, err := db.conn.Conn(ctx)
	if err != nil {
		return failed(ctx, "back up", err)
	}
	defer func() { err = errors.Join(err, writer.Close()) }()
	waiting, cancel := context.WithTimeout(ctx, sqlconn.SQLitePatience)
	defer cancel()
	err = db.conn.Persist(waiting, func() error {
		_, err := writer.ExecContext(waiting, "BEGIN IMMEDIATE")
		return err
	})
	if err != nil {
		return failed(ctx, "back up", err)
	}
	over := context.WithoutCancel(ctx)
	defer func() {
		_, back := writer.ExecContext(over, "ROLLBACK")
		err = errors.Join(err, failed(over, "back up", back))
	}()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return failed(ctx, "back up", err)
	}
	var tables int
	err = conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_master").Scan(&tables) // BEGIN alone does not look
	if err = failed(ctx, "back up", err); err == nil {
		err = moment()
	}
	if err != nil {
		_, back := conn.ExecContext(over, "ROLLBACK")
		return errors.Join(err, failed(over, "back up", back))
	}
	return nil
}

// copyPages copies the database as the connection's transaction sees it.
func copyPages(ctx context.Context, driver any, path string) (err error) {
	source, ok := driver.(interface {
		NewBackup(string) (*sqlite.Backup, error)
	})
	if !ok {
		return fmt.Errorf("%T makes no backups", driver)
	}
	// The copy is not used until it is whole: there is nothing to roll back.
	to := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)"
	pages, err := source.NewBackup(to)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if more, err = pages.Step(backupStep); err == nil {
			err = ctx.Err()
		}
	}
	if end := pages.Finish(); err == nil { // it says the same once more
		err = end
	}
	return err
}
