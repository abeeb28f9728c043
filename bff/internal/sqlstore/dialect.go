package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/pressly/goose/v3"
	gormmysql "gorm.io/driver/mysql"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// dialect is where kinds of databases differ.
type dialect struct {
	goose goose.Dialect
	lock  migrationLock
	// manyPrimaries: the lock may keep out the processes of one node only.
	manyPrimaries bool
	// isDone reports whether a migration's statement that failed has been carried
	// out before. nil: a process that was killed leaves nothing behind.
	isDone func(ctx context.Context, pool *sql.DB, statement string, failure error) (bool, error)
	// hasText is a condition on a user: the address or the name matches the
	// pattern @text, in any case. See likePattern.
	hasText string
	// hints: queries name the index that they are to read by; see indexHint.
	hints bool
}

func openMySQL(c Config) (*DB, error) {
	pool, err := sqlconn.OpenMySQL(c.MySQLDSN, sqlconn.Options{
		TLS: c.TLS, RereadDSN: c.RereadDSN, MaxConnections: c.MaxConnections, QuestionTimeout: c.QuestionTimeout, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	db, err := newDB(c, pool, mysqlDialect(pool.Server.DBName), gormmysql.New(gormmysql.Config{
		Conn: pool.DB,
		// Asking for the version would connect, and fail while the server is
		// away. It only tells GORM's own migrator, which is not used, what the
		// server lacks, and switches on RETURNING on MariaDB, which is not
		// wanted: the SQL is to be the same everywhere.
		SkipInitializeWithVersion: true,
		DisableWithReturning:      true,
	}))
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return db, nil
}

func openSQLite(ctx context.Context, c Config) (*DB, error) {
	pool, err := sqlconn.OpenSQLite(ctx, c.SQLitePath)
	if err != nil {
		return nil, err
	}
	db, err := newDB(c, pool, sqliteDialect, moderncDialector{
		gormsqlite.Dialector{DriverName: "sqlite", Conn: pool.DB},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlstore: open %s: %w", c.SQLitePath, err), pool.Close())
	}
	return db, nil
}

// mysqlLowerText folds case as the columns do, whatever the collation of the
// connection is.
const mysqlLowerText = "LOWER(@text COLLATE utf8mb4_unicode_ci) COLLATE utf8mb4_bin"

// mysqlDialect locks migrations by GET_LOCK: the server frees it when the
// connection that migrates ends, however it ends.
func mysqlDialect(database string) dialect {
	// Lock names belong to the server, not to a database, and hold 64 bytes.
	sum := sha256.Sum256([]byte(database))
	name := "gatehouse-migrate-" + hex.EncodeToString(sum[:16])
	return dialect{
		goose:         goose.DialectMySQL,
		manyPrimaries: true,
		isDone:        mysqlIsDone,
		lock: migrationLock{
			try: func(ctx context.Context, conn *sql.Conn) (bool, error) {
				// In short turns, so that each is an answer within a proxy's
				// patience.
				const turnSeconds = 5
				var got sql.NullInt64
				err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", name, turnSeconds).Scan(&got)
				if err == nil && !got.Valid {
					err = errors.New("GET_LOCK failed on the server")
				}
				return got.Int64 == 1, err
			},
			free: func(ctx context.Context, conn *sql.Conn) error {
				_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", name)
				return err
			},
		},
		hints: true,
		// The columns' collation takes é for e, and % finds more than it should.
		// Case is folded by it, the rest compared by code point.
		hasText: "LOWER(email) COLLATE utf8mb4_bin LIKE " + mysqlLowerText + " ESCAPE '!'" +
			" OR LOWER(name) COLLATE utf8mb4_bin LIKE " + mysqlLowerText + " ESCAPE '!'",
	}
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
			if sqlconn.Busy(err) {
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
				return nil, fmt.Errorf("gatehouse_lower: %T is not text", args[0])
			}
			return strings.ToLower(s), nil
		})
}
