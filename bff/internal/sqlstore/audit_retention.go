package sqlstore

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// retentionStep is how many events one statement deletes or changes: a few ms,
// and a transaction that replicas and other primaries take in at once.
const retentionStep = 1000

// leastPruneStep is as few as Prune comes down to.
const leastPruneStep = 10

// Clock implements auth.AuditKeeper. In SQLite there is no other clock than ours.
func (db *DB) Clock(ctx context.Context) (now time.Time, err error) {
	if db.orm.Name() == "sqlite" {
		return db.now(), failed(ctx, "read the clock", ctx.Err())
	}
	var seconds int64
	err = db.do(ctx, "read the clock", func(orm *gorm.DB) error { return orm.Raw("SELECT UNIX_TIMESTAMP()").Scan(&seconds).Error })
	return time.Unix(seconds, 0), failed(ctx, "read the clock", err)
}

// leaseRow is a row of leases.
type leaseRow struct {
	Name   string `gorm:"primaryKey"`
	Holder string
	Ends   int64 // ms since 1970
}

func (leaseRow) TableName() string { return "leases" }

// Lease implements auth.AuditKeeper. It is a row and not a lock of the server:
// that one is known on one primary only.
func (db *DB) Lease(ctx context.Context, task, holder string, until time.Time) (held bool, err error) {
	row := leaseRow{Name: task, Holder: holder, Ends: until.UnixMilli()}
	err = db.do(ctx, "lease", func(orm *gorm.DB) error {
		renewed := renewLease(orm, row, db.now().UnixMilli())
		if held = renewed.RowsAffected > 0; held || renewed.Error != nil {
			return renewed.Error
		}
		first := insertLease(orm, row)
		if held = first.RowsAffected > 0; held || first.Error != nil {
			return first.Error
		}
		// MySQL counts no row that is as it was: renewed twice in one millisecond.
		var rows []leaseRow
		err := orm.Where("name = ?", task).Find(&rows).Error
		held = len(rows) == 1 && rows[0].Holder == holder
		return err
	})
	return held && err == nil, failed(ctx, "lease", err)
}

func renewLease(tx *gorm.DB, row leaseRow, now int64) *gorm.DB {
	return tx.Model(&leaseRow{}).Where("name = ? AND (holder = ? OR ends <= ?)", row.Name, row.Holder, now).
		UpdateColumns(map[string]any{"holder": row.Holder, "ends": row.Ends})
}

func insertLease(tx *gorm.DB, row leaseRow) *gorm.DB {
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
}

// Prune implements auth.AuditKeeper. Old events are at the front of the table. A
// step that the database cannot carry out in time is tried again with half as many
// events: from a disk that is slow, or for a database that is busy, a thousand
// took longer than one question may, each time anew.
func (db *DB) Prune(ctx context.Context, before time.Time) (n int, err error) {
	for {
		step := int(db.pruneStep.Load())
		began := db.now()
		err := db.do(ctx, "prune the audit trail", func(orm *gorm.DB) error {
			var ends []auditRow
			if err := selectPruneEnd(orm, before, step, &ends).Error; err != nil {
				return err
			}
			ran := deleteEvents(orm, before, ends)
			n = int(ran.RowsAffected)
			return ran.Error
		})
		tooMuch := err != nil && ctx.Err() == nil && (db.conn.Overran(err) || errors.Is(err, context.DeadlineExceeded))
		switch {
		case tooMuch && step > leastPruneStep:
			db.pruneStep.CompareAndSwap(int64(step), int64(max(step/2, leastPruneStep)))
			continue
		case err == nil && n == step && db.now().Sub(began) < db.timeout/8:
			db.pruneStep.CompareAndSwap(int64(step), int64(min(2*step, retentionStep)))
		}
		return n, failed(ctx, "prune the audit trail", err)
	}
}

// selectPruneEnd finds the last event of a whole step.
func selectPruneEnd(tx *gorm.DB, before time.Time, step int, ends *[]auditRow) *gorm.DB {
	return tx.Select("at", "id").Where("at < ?", before.UnixMilli()).Order("at, id").Offset(step - 1).Limit(1).Find(ends)
}

func deleteEvents(tx *gorm.DB, before time.Time, ends []auditRow) *gorm.DB {
	tx = tx.Where("at < ?", before.UnixMilli())
	for _, end := range ends {
		tx = tx.Where("at <= ? AND (at < ? OR id <= ?)", end.At, end.At, end.ID)
	}
	return tx.Delete(&auditRow{})
}

// Between gives events from a time until before another one, the oldest first:
// what comes after a place, at most limit of it.
func (db *DB) Between(ctx context.Context, from, until time.Time, after auth.Position, limit int) ([]auth.Event, error) {
	if !utf8.ValidString(after.ID) {
		return nil, failed(ctx, "read the audit trail", errors.New("the place is not valid text"))
	}
	var rows []auditRow
	err := db.do(ctx, "read the audit trail", func(orm *gorm.DB) error { return selectBetween(orm, from, until, after, limit, &rows).Error })
	if err != nil {
		return nil, failed(ctx, "read the audit trail", err)
	}
	events := make([]auth.Event, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, nil
}

func selectBetween(tx *gorm.DB, from, until time.Time, after auth.Position, limit int, rows *[]auditRow) *gorm.DB {
	tx = tx.Where("at >= ? AND at < ?", from.UnixMilli(), until.UnixMilli())
	return oldestAfter(tx, after).Limit(max(limit, 1)).Find(rows)
}

// oldestAfter is the trail from a place on.
func oldestAfter(tx *gorm.DB, after auth.Position) *gorm.DB {
	if after != (auth.Position{}) {
		at := after.At.UnixMilli()
		tx = tx.Where("at >= ? AND (at > ? OR id > ?)", at, at, after.ID)
	}
	return tx.Order("at, id")
}
