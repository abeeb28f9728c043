package sqlconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLitePatience: another process may hold SQLite's one write lock: commands run beside the
// server. A connection waits for it sqliteBusy milliseconds at a time, deaf to
// its context, again and again until the question is given up; opening the file, which
// has no such limit, waits for SQLitePatience.
const (
	SQLitePatience = 5 * time.Second
	sqliteBusy     = 200
)

// OpenSQLite opens the file at path, creates it when it is missing (mode 0600), and
// connects. ctx bounds that.
func OpenSQLite(ctx context.Context, path string) (*Pool, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	// SQLite would create the file readable for everybody; it holds password
	// hashes. Its -wal and -shm files take over the mode of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open the database file: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("sqlstore: open the database file: %w", err)
	}

	pool, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(SQLiteConns)
	pool.SetMaxIdleConns(SQLiteConns)
	// The first to open a file after a crash repairs it, and the others wait.
	opening, cancel := context.WithTimeout(ctx, SQLitePatience)
	defer cancel()
	p := &Pool{
		DB: pool, Engine: SQLite, WriteTx: nil, // one writer at a time anyway: every transaction starts as one
		openForMigration: func() (*sql.DB, error) { return sql.Open("sqlite", sqliteDSN(path)) },
		collided:         Busy,
		conflicted:       func(error) bool { return false },
		overran: func(err error) bool {
			e, ok := errors.AsType[*sqlite.Error](err)
			return ok && e.Code() == sqlite3.SQLITE_INTERRUPT
		},
	}
	if err := p.Persist(opening, func() error { return pool.PingContext(opening) }); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlstore: open %s: %w", path, err), pool.Close())
	}
	return p, nil
}

// sqliteDSN names the file at path as the driver wants it; a "?" or "%" in a
// folder's name would otherwise be taken for parameters.
func sqliteDSN(path string) string {
	q := url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", sqliteBusy),
			"journal_mode(WAL)",
			"foreign_keys(1)",
			// With WAL a power cut may lose the last transactions, never
			// corrupt the file.
			"synchronous(NORMAL)",
		},
		// A transaction that starts as a reader and then writes fails at once
		// when another connection wrote meanwhile; one that begins as a writer waits.
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// Busy recognises that another connection has the write lock of an SQLite file.
func Busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY // the rest says why
}
