package sqlconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The pause before a statement or a transaction that collided runs again: random,
// because two that collided would collide again after equal ones, and doubled.
const (
	firstPause   = 2 * time.Millisecond
	longestPause = 256 * time.Millisecond
)

// badConnections is how many connections are given up in a row before their
// server counts as one that is away: after a failover the next one leads to the
// new writer, unless there is none.
const badConnections = 3

// Persist runs fn until it does not collide, or ctx ends. ctx must have a deadline.
// It also takes another connection for one that the driver gave up before the
// server had done anything, as database/sql does outside of transactions: to a
// server that only reads by now (RejectReadOnly), or one that had closed it.
func (p *Pool) Persist(ctx context.Context, fn func() error) error {
	var collision error
	bad := 0
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := fn()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, driver.ErrBadConn) && bad == badConnections:
			return err
		case errors.Is(err, driver.ErrBadConn):
			bad++
		case p.collided(err):
			collision = err
		case ctx.Err() != nil && collision != nil:
			// The deadline cut another try off: what stopped it is what stopped
			// those before it.
			return fmt.Errorf("%w; given up: %w", collision, err)
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // no secret: it only differs from others'
		}
	}
}

// mysqlConflicts are the errors of a server that has undone a transaction, or a
// statement, because of another one; the same may succeed when it runs again.
//
// It happens to the innocent: of two sign-ups waiting for a third with the same
// address, one dies when the third is rolled back. With several primaries it
// happens at COMMIT: each node takes the locks for itself, and what they find to
// contradict each other is undone on one of them.
var mysqlConflicts = []uint16{
	1020, // ER_CHECKREAD: MariaDB from 11.6, a row has changed since the transaction began to read
	1205, // ER_LOCK_WAIT_TIMEOUT
	1213, // ER_LOCK_DEADLOCK: of InnoDB, and what Galera answers to COMMIT
	3101, // ER_TRANSACTION_ROLLBACK_DURING_COMMIT: of Group Replication
	8002, // TiDB: the rows of a SELECT FOR UPDATE have changed
	8005, // TiDB: write conflict, an optimistic transaction in a pessimistic one's way
	8028, // TiDB: the schema has changed
	9007, // TiDB: write conflict
}

func mysqlConflict(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains(mysqlConflicts, e.Number)
}

// NoSuchTable is MySQL's number for a table that does not exist.
const NoSuchTable = 1146

// IsMissingTable recognises that a table does not exist.
func IsMissingTable(err error) bool {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number == NoSuchTable
	}
	return strings.Contains(err.Error(), "no such table") // SQLite has no code for it
}
