package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// The audit trail gets the key (at, id) while it is written to, by this version
// and the one before. Migrations make a new table, copy the old one in steps, make
// the indexes (before the copy each row would go to another page of three of
// them), copy what has come meanwhile, rename both at once, copy what was written
// late, and remove the old one. Each of them may be killed at any point and begins where it was: a
// step is one transaction, and how far the copy came is seen in the new table.
//
// In SQLite the same is done by statements alone: it has one writer.
const (
	auditCopyVersion    = 12
	auditSwapVersion    = 16
	auditCatchUpVersion = 17
)

// auditCopyStep is how many rows one step copies: some 0.1 s, in which the rows
// are not locked for others (READ COMMITTED).
const auditCopyStep = 5000

// renamePause is between two tries to rename the tables.
const renamePause = 256 * time.Millisecond

const auditColumns = "id, type, user_id, actor_id, session_id, detail, ip, user_agent, request_id, at"

// auditSteps are the migrations of the audit trail that are no single statement.
// They end between two steps when ctx does. They go with the files around them.
func (db *DB) auditSteps(ctx context.Context, files fs.FS) ([]*goose.Migration, error) {
	newest, err := newestMigration(files)
	if err != nil || newest < auditCatchUpVersion || db.orm.Name() != "mysql" {
		return nil, err
	}
	step := func(version int64, run func(*auditCopy, context.Context) error) *goose.Migration {
		return goose.NewGoMigration(version, &goose.GoFunc{RunDB: func(lasting context.Context, pool *sql.DB) error {
			return run(&auditCopy{db: db, pool: pool, stop: ctx}, lasting)
		}}, nil)
	}
	return []*goose.Migration{
		step(auditCopyVersion, (*auditCopy).copyAll),
		step(auditSwapVersion, (*auditCopy).swap),
		step(auditCatchUpVersion, (*auditCopy).catchUp),
	}, nil
}

// auditCopy copies rows between the two tables.
type auditCopy struct {
	db   *DB
	pool *sql.DB
	stop context.Context // ends the work between two steps
}

// auditPlace is a row's place in the trail.
type auditPlace struct {
	at int64
	id string
}

// copyAll copies the old table, from where the copy was before, until nothing is
// left but what is being written meanwhile.
func (c *auditCopy) copyAll(ctx context.Context) error {
	if done, err := auditHasTimeKey(ctx, c.pool); done || err != nil {
		return err // by another process, on another primary
	}
	place, err := c.lastCopied(ctx)
	if err != nil {
		return err
	}
	return c.walk(ctx, "login_audit", place, func(ctx context.Context, tx *sql.Tx, from, to auditPlace) error {
		_, err := tx.ExecContext(ctx, "INSERT IGNORE INTO login_audit_new ("+auditColumns+") SELECT "+auditColumns+
			" FROM login_audit FORCE INDEX (login_audit_by_time) WHERE "+placeRange, from.at, from.at, from.id, to.at, to.at, to.id)
		return err
	})
}

// swap copies what has come while the indexes were made, and renames both tables
// at once, so that each event is in one of them. The
// rename waits for the transactions that use the table, and new ones wait for
// the rename: two seconds at a time, then they have a turn.
func (c *auditCopy) swap(ctx context.Context) (err error) {
	if err := c.copyAll(ctx); err != nil {
		return err
	}
	conn, err := c.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = 2"); err != nil {
		return err
	}
	for logged := false; ; {
		if done, err := auditHasTimeKey(ctx, c.pool); done || err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, "RENAME TABLE login_audit TO login_audit_old, login_audit_new TO login_audit")
		switch {
		case err == nil:
			_, err = conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = DEFAULT")
			return err
		case !c.db.conn.Conflicted(err):
			return err
		case !logged:
			c.db.log.Warn("the new audit trail waits for a transaction that uses the old one; see SHOW PROCESSLIST for one that has been open for long")
			logged = true
		}
		select {
		case <-c.stop.Done():
			return c.stop.Err()
		case <-time.After(renamePause):
		}
	}
}

// catchUp copies what the old table has and the new one has not: events that were
// written after the copy had passed their time. Until it ends, the trail lacks
// them.
func (c *auditCopy) catchUp(ctx context.Context) error {
	var tables int
	err := c.pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'login_audit_old'").Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	return c.walk(ctx, "login_audit_old", auditPlace{at: minTime}, func(ctx context.Context, tx *sql.Tx, from, to auditPlace) error {
		_, err := tx.ExecContext(ctx, "INSERT IGNORE INTO login_audit ("+auditColumns+") SELECT "+auditColumns+
			" FROM login_audit_old o FORCE INDEX (login_audit_by_time) WHERE "+placeRange+
			" AND NOT EXISTS (SELECT 1 FROM login_audit n WHERE n.at = o.at AND n.id = o.id)", from.at, from.at, from.id, to.at, to.at, to.id)
		return err
	})
}

const (
	minTime    = -1 << 63
	placeRange = "at >= ? AND (at > ? OR id > ?) AND at <= ? AND (at < ? OR id <= ?)"
)

// walk goes through a table in the order of its time, step by step, each in a
// transaction of its own that is tried again when it collides.
func (c *auditCopy) walk(ctx context.Context, table string, from auditPlace, step func(ctx context.Context, tx *sql.Tx, from, to auditPlace) error) error {
	for {
		if err := c.stop.Err(); err != nil {
			return err
		}
		to, whole, err := c.stepEnd(ctx, table, from)
		if err != nil || to == from {
			return err
		}
		trying, cancel := context.WithTimeout(ctx, time.Minute)
		err = c.db.conn.Persist(trying, func() error {
			tx, err := c.pool.BeginTx(ctx, c.db.conn.WriteTx)
			if err != nil {
				return err
			}
			if err := step(ctx, tx, from, to); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			return tx.Commit()
		})
		cancel()
		if err != nil {
			return fmt.Errorf("copy the audit trail: %w", err)
		}
		if !whole {
			return nil
		}
		from = to
	}
}

// stepEnd gives the last row of the next step, and whether that is a whole one;
// from itself when there is none.
func (c *auditCopy) stepEnd(ctx context.Context, table string, from auditPlace) (to auditPlace, whole bool, err error) {
	for _, q := range []struct {
		order string
		skip  int
	}{{"at, id", c.db.copyStep - 1}, {"at DESC, id DESC", 0}} {
		err := c.pool.QueryRowContext(ctx, "SELECT at, id FROM "+table+" FORCE INDEX (login_audit_by_time) WHERE at >= ? AND (at > ? OR id > ?) ORDER BY "+q.order+" LIMIT 1 OFFSET ?",
			from.at, from.at, from.id, q.skip).Scan(&to.at, &to.id)
		if !errors.Is(err, sql.ErrNoRows) {
			return to, q.skip > 0, err
		}
	}
	return from, false, nil
}

func (c *auditCopy) lastCopied(ctx context.Context) (auditPlace, error) {
	place := auditPlace{at: minTime}
	err := c.pool.QueryRowContext(ctx, "SELECT at, id FROM login_audit_new ORDER BY at DESC, id DESC LIMIT 1").Scan(&place.at, &place.id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return place, err
}

// auditHasTimeKey reports whether login_audit is the new table.
func auditHasTimeKey(ctx context.Context, pool *sql.DB) (bool, error) {
	var key string
	err := pool.QueryRowContext(ctx, "SELECT COALESCE(GROUP_CONCAT(column_name ORDER BY seq_in_index), '') FROM information_schema.statistics "+
		"WHERE table_schema = DATABASE() AND table_name = 'login_audit' AND index_name = 'PRIMARY'").Scan(&key)
	return key == "at,id", err
}
