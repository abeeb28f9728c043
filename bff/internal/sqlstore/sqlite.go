package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Another process may hold SQLite's one write lock: commands run beside the
// server. A connection waits for it sqliteBusy milliseconds at a time, deaf to
// its context, again and again until the question is given up; opening the file, which
// has no such limit, waits for sqlitePatience.
const (
	sqliteBusy     = 200
	sqlitePatience = 5 * time.Second
)

func openSQLite(ctx context.Context, c Config) (*DB, error) {
	path, err := filepath.Abs(c.SQLitePath)
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
	pool.SetMaxOpenConns(sqliteConns)
	pool.SetMaxIdleConns(sqliteConns)
	// The first to open a file after a crash repairs it, and the others wait.
	opening, cancel := context.WithTimeout(ctx, sqlitePatience)
	defer cancel()
	err = sqliteDialect.persist(opening, func() error { return pool.PingContext(opening) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlstore: open %s: %w", path, err), pool.Close())
	}

	db, err := newDB(c, pool, sqliteDialect, moderncDialector{
		gormsqlite.Dialector{DriverName: "sqlite", Conn: pool},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlstore: open %s: %w", path, err), pool.Close())
	}
	db.openForMigration = func() (*sql.DB, error) {
		return sql.Open("sqlite", sqliteDSN(path))
	}
	return db, nil
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
		// when somebody else wrote meanwhile; one that says so first waits.
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
	}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// moderncDialector is GORM's SQLite dialect over the driver written in Go.
// GORM's own translation of errors knows only the C driver's and would leave a
// duplicate key unrecognised.
type moderncDialector struct{ gormsqlite.Dialector }

// Translate implements gorm.ErrorTranslator.
func (d moderncDialector) Translate(err error) error {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
			return gorm.ErrDuplicatedKey
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return gorm.ErrForeignKeyViolated
		}
	}
	return err
}

// sqliteDialect locks migrations by making them one write transaction.
var sqliteDialect = dialect{
	goose: goose.DialectSQLite3,
	lock: migrationLock{
		try: func(ctx context.Context, conn *sql.Conn) (bool, error) {
			_, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE")
			if sqliteIsBusy(err) {
				return false, nil
			}
			return err == nil, err
		},
		// Committed also after a failed migration: the failed statement has
		// undone itself, and those before it are noted down.
		free: func(ctx context.Context, conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, "COMMIT")
			return err
		},
	},
	collided:   sqliteIsBusy,
	conflicted: func(error) bool { return false },
	overran: func(err error) bool {
		e, ok := errors.AsType[*sqlite.Error](err)
		return ok && e.Code() == sqlite3.SQLITE_INTERRUPT
	},
	// One writer at a time anyway: every transaction starts as one.
	change: nil,
	hasText: "gatehouse_lower(email) LIKE gatehouse_lower(@text) ESCAPE '!'" +
		" OR gatehouse_lower(name) LIKE gatehouse_lower(@text) ESCAPE '!'",
}

// SQLite's own LOWER and LIKE know the case of ASCII letters only: ZOË would
// not find Zoë.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("gatehouse_lower", 1,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			s, ok := args[0].(string)
			if !ok {
				return nil, fmt.Errorf("gatehouse_lower: %T is no text", args[0])
			}
			return strings.ToLower(s), nil
		})
}

func sqliteIsBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY // the rest says why
}
