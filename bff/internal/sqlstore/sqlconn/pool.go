// Package sqlconn connects to MySQL, MariaDB or an SQLite file: what a DSN may say,
// TLS, a login that changes meanwhile, the limit of a statement, and which errors
// are worth another try.
package sqlconn

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
)

// Options are those of a pool of MySQL connections.
type Options struct {
	// TLS has the files for a DSN with tls=true; nil: the system's authorities.
	TLS *tlsfiles.Source
	// RereadDSN gives the DSN as it is written by now, for a login that is refused.
	// nil: it is as it was.
	RereadDSN func() (string, error)
	// MaxConnections is the size of the pool; 0: as the constant of that name.
	MaxConnections int
	// QuestionTimeout is how long a caller waits; statements end a little sooner.
	QuestionTimeout time.Duration
	Log             *slog.Logger // required
}

// MaxConnections is the default size of the pool of MySQL connections: with space
// for several instances on a server of a hundred or more (max_connections is 151
// by default). Idle ones are kept because a handshake costs more than a query.
const MaxConnections = 25

// Migrating is how many connections a start has that migrates: the lock's, two of
// the step at work, and one of the pool, which nothing else uses meanwhile.
const Migrating = 4

// Connections is how many connections to MySQL an instance opens at most whose
// pool may have that many.
func Connections(pool int) int { return max(cmp.Or(pool, MaxConnections), Migrating) }

// connMaxLifetime is less than what load balancers and wait_timeout usually
// grant.
const connMaxLifetime = 5 * time.Minute

// SQLiteConns is small because SQLite has one writer: more connections would
// only poll for its lock, where database/sql queues in order. Readers do not
// wait for the writer (WAL).
const SQLiteConns = 4

// Engine is a kind of database. MariaDB is one of MySQL.
type Engine string

// The engines, as GORM and goose call them.
const (
	MySQL  Engine = "mysql"
	SQLite Engine = "sqlite"
)

// Pool is the connections to one database. It is safe for concurrent use.
type Pool struct {
	*sql.DB
	Engine Engine
	// WriteTx is for transactions that change accounts.
	WriteTx *sql.TxOptions
	// Server is how the server is reached, nil with SQLite; Size is the number of
	// connections that the pool may have.
	Server *mysql.Config
	Size   int

	login *login // nil with SQLite
	// openForMigration: see OpenForMigration.
	openForMigration func() (*sql.DB, error)
	// See Collided, Conflicted and Overran.
	collided, conflicted, overran func(error) bool
}

// OpenForMigration opens a pool for migrations alone: a statement that alters a big
// table takes longer than any request may wait.
func (p *Pool) OpenForMigration() (*sql.DB, error) { return p.openForMigration() }

// Collided recognises a failure that others caused and that is gone when the same
// is done again.
func (p *Pool) Collided(err error) bool { return p.collided(err) }

// Conflicted recognises a collision in which others wrote the same rows.
func (p *Pool) Conflicted(err error) bool { return p.conflicted(err) }

// Overran recognises a query that the database ended because it took too long.
func (p *Pool) Overran(err error) bool { return p.overran(err) }

// Failure wraps err in auth.ErrDatabase, nil excepted. When it was ctx that
// ended, the error is ctx's too: SQLite says "interrupted", a MySQL connection
// may say "invalid connection", and the caller needs to distinguish a client that left
// from a database that did.
func Failure(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if end := ctx.Err(); end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err)
	}
	return fmt.Errorf("sqlstore: %s: %w: %w", op, auth.ErrDatabase, err)
}
