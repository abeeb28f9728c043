package sqlconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestConflictsAreKnownByTheirNumbers(t *testing.T) {
	for number, want := range map[uint16]bool{
		1205: true, 1213: true, 3101: true, 8002: true, 8005: true, 8028: true, 9007: true, // Galera, Group Replication, TiDB
		1062: false, 1047: false, 1290: false, 1969: false, 3024: false, 1146: false,
	} {
		if got := mysqlConflict(&mysql.MySQLError{Number: number}); got != want {
			t.Errorf("%d is a conflict: %t, want %t", number, got, want)
		}
	}
}

// What collides is tried again until the deadline, and not four times at once.
func TestCollisionsAreTriedUntilTheDeadline(t *testing.T) {
	p := mysqlPool()
	deadlock := &mysql.MySQLError{Number: 1213}
	tries := 0
	err := p.Persist(patient(t), func() error {
		if tries++; tries < 12 {
			return deadlock
		}
		return nil
	})
	if err != nil || tries != 12 {
		t.Errorf("%v after %d tries", err, tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = p.Persist(ctx, func() error { cancel(); return deadlock })
	if !errors.Is(err, deadlock) {
		t.Errorf("%v, want the collision", err)
	}
	// The deadline cuts the last try off: it still was for the collision.
	ctx, cancel = context.WithCancel(t.Context())
	tries = 0
	err = p.Persist(ctx, func() error {
		if tries++; tries == 1 {
			return deadlock
		}
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, deadlock) || !errors.Is(err, context.Canceled) || !p.Conflicted(err) {
		t.Errorf("%v, want both", err)
	}
	broken := errors.New("the server is away")
	tries = 0
	if err := p.Persist(patient(t), func() error { tries++; return broken }); !errors.Is(err, broken) || tries != 1 {
		t.Errorf("%v after %d tries, want one", err, tries)
	}
}

// A transaction that meets such a server begins anew where the address leads by
// then.
func TestTransactionIsMovedToTheWriter(t *testing.T) {
	p := mysqlPool()
	tries := 0
	err := p.Persist(patient(t), func() error {
		if tries++; tries <= badConnections {
			return fmt.Errorf("commit: %w", driver.ErrBadConn)
		}
		return nil
	})
	if err != nil || tries != badConnections+1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func mysqlPool() *Pool { return &Pool{collided: mysqlConflict, conflicted: mysqlConflict} }

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
