// Package sqlstore keeps accounts and the audit trail in MySQL, MariaDB or, in
// embedded mode, an SQLite file. It implements auth.Users, auth.Audit and
// auth.AuditKeeper, and is the only package that knows GORM, the SQL drivers and the
// migrations.
package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// Config says which database to use. Exactly one of MySQLDSN and SQLitePath
// must be set.
type Config struct {
	// MySQLDSN is a go-sql-driver DSN: user:password@tcp(host:3306)/database.
	MySQLDSN string
	// TLS has the files for a DSN with tls=true; nil: the system's authorities.
	TLS *tlsfiles.Source
	// RereadDSN gives the DSN as it is written by now, for a login that is refused.
	// nil: it is as it was.
	RereadDSN func() (string, error)
	// SQLitePath is a file, created when missing (mode 0600); its folder must
	// exist.
	SQLitePath string
	// MaxConnections is the size of the pool of MySQL connections; 0:
	// sqlconn.MaxConnections.
	MaxConnections int
	Log            *slog.Logger     // default: nothing is logged
	Now            func() time.Time // required
	// Observe is called before each query, and the function that it returns after it,
	// with the error of a database that did not answer. nil: no metrics.
	Observe func(ctx context.Context, operation string) (context.Context, func(error))
	// QuestionTimeout bounds one question, waiting for a connection included.
	// 0 means 3 s; tests on a busy machine give more.
	QuestionTimeout time.Duration
}

// questionTimeout is the default of Config.QuestionTimeout.
const questionTimeout = 3 * time.Second

// DB is an open database. It is safe for concurrent use.
type DB struct {
	orm  *gorm.DB
	conn *sqlconn.Pool
	now  func() time.Time
	log  *slog.Logger
	// See Config.Observe.
	observe func(ctx context.Context, operation string) (context.Context, func(error))
	timeout time.Duration // of one question

	dialect dialect
	held    atomic.Pointer[error] // see Hold
	budget  searchBudget
	// copyStep is how many rows of the audit trail a migration copies at once.
	copyStep int
	// pruneStep is how many events Prune deletes at once, see there.
	pruneStep atomic.Int64
}

var (
	_ auth.Users = (*DB)(nil)
	_ auth.Audit = (*DB)(nil)

	_ auth.AuditKeeper = (*DB)(nil)
)

// Open opens the database of c. With MySQL it connects to nothing yet, so that
// it succeeds while the server is away: ask Ping, or Migrate. With SQLite ctx
// bounds the opening of the file. Errors never contain the DSN's password.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Now == nil {
		return nil, errors.New("sqlstore: Config.Now is missing")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	c.QuestionTimeout = cmp.Or(c.QuestionTimeout, questionTimeout)
	switch {
	case c.MySQLDSN != "" && c.SQLitePath != "":
		return nil, errors.New("sqlstore: both a MySQL DSN and an SQLite file are configured; choose one")
	case c.MySQLDSN != "":
		return openMySQL(c)
	case c.SQLitePath != "":
		return openSQLite(ctx, c)
	}
	return nil, errors.New("sqlstore: neither a MySQL DSN nor an SQLite file is configured")
}

// newDB puts GORM on top of pool.
func newDB(c Config, pool *sqlconn.Pool, d dialect, gd gorm.Dialector) (*DB, error) {
	orm, err := gorm.Open(gd, &gorm.Config{
		// Every failure is returned and logged once by the caller that answers the
		// request. GORM's own logger would log it again, with values.
		Logger:               logger.Discard,
		NowFunc:              func() time.Time { return c.Now().UTC() },
		DisableAutomaticPing: true,
		// A single statement is atomic by itself: no BEGIN and COMMIT around it.
		SkipDefaultTransaction: true,
		// Columns by name, so that an older binary beside a newer schema does
		// not read what it does not know.
		QueryFields:    true,
		TranslateError: true,
	})
	if err != nil {
		return nil, err
	}
	db := &DB{
		orm: orm, conn: pool, now: c.Now, log: c.Log, observe: c.Observe, timeout: c.QuestionTimeout, dialect: d,
		budget: defaultSearchBudget, copyStep: auditCopyStep,
	}
	db.pruneStep.Store(retentionStep)
	return db, nil
}

// Close closes all connections.
func (db *DB) Close() error { return db.conn.Close() }

// observed begins a query of a client. A client that left does not count as a
// failure of the database, and neither does an answer.
func (db *DB) observed(ctx context.Context, op string) (context.Context, func(error)) {
	if db.observe == nil {
		return ctx, func(error) {}
	}
	observed, done := db.observe(ctx, op)
	return observed, func(err error) {
		if ctx.Err() != nil || isAnswer(err) {
			err = nil
		}
		done(err)
	}
}

// isAnswer distinguishes errors that are an answer of the database from the lack of
// one.
func isAnswer(err error) bool {
	for _, answer := range []error{
		gorm.ErrRecordNotFound, errTaken, auth.ErrNoUser, auth.ErrLastAdmin, auth.ErrHashChanged, auth.ErrUserChanged,
		auth.ErrWriteConflict, auth.ErrSearchTooWide,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// do runs fn, and again when it collided with another transaction. fn must be atomic by
// itself: one statement, or one transaction.
func (db *DB) do(ctx context.Context, op string, fn func(orm *gorm.DB) error) (err error) {
	if held := db.held.Load(); held != nil {
		return *held
	}
	ctx, done := db.observed(ctx, op)
	defer func() { done(err) }()
	// A server that hangs (rather than being away) held every question for
	// the connection's ten seconds, and those that waited for a connection
	// for a multiple of it.
	ctx, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	err = db.conn.Persist(ctx, func() error { return fn(db.orm.WithContext(ctx)) })
	if err != nil && db.conn.Conflicted(err) {
		// The database works, and others wrote the same rows all the time.
		err = fmt.Errorf("%w: %w", auth.ErrWriteConflict, err)
	}
	return err
}

func failed(ctx context.Context, op string, err error) error { return sqlconn.Failure(ctx, op, err) }
