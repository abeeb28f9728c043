package sqlstore

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// settlementRow is a row of settlements.
type pendingSyncRow struct {
	At          int64  `gorm:"primaryKey;autoIncrement:false"` // ms since 1970
	ID          string `gorm:"primaryKey"`
	UserID      string
	ActorID     string
	EndOlder    bool
	KeepSession string
}

func (pendingSyncRow) TableName() string { return "settlements" }

func insertPendingSync(tx *gorm.DB, s auth.PendingSync) error {
	for _, id := range []string{s.ID, s.UserID} {
		if id == "" || len(id) > 64 || !utf8.ValidString(id) {
			return errors.New("table settlements does not hold this id")
		}
	}
	row := pendingSyncRow{
		At: s.At.UnixMilli(), ID: s.ID, UserID: s.UserID, ActorID: cut(s.ActorID, 64), EndOlder: s.EndOlder, KeepSession: cut(s.KeepSession, 64),
	}
	return tx.Create(&row).Error
}

// PendingSyncs implements auth.Users.
func (db *DB) PendingSyncs(ctx context.Context, until time.Time, limit int) ([]auth.PendingSync, error) {
	var rows []pendingSyncRow
	err := db.do(ctx, "read settlements", func(orm *gorm.DB) error { return selectPendingSyncs(orm, until, limit, &rows).Error })
	if err != nil {
		return nil, failed(ctx, "read settlements", err)
	}
	list := make([]auth.PendingSync, 0, len(rows))
	for _, r := range rows {
		list = append(list, auth.PendingSync{
			ID: r.ID, UserID: r.UserID, ActorID: r.ActorID, At: time.UnixMilli(r.At).UTC(), EndOlder: r.EndOlder, KeepSession: r.KeepSession,
		})
	}
	return list, nil
}

func selectPendingSyncs(tx *gorm.DB, until time.Time, limit int, rows *[]pendingSyncRow) *gorm.DB {
	return tx.Where("at <= ?", until.UnixMilli()).Order("at, id").Limit(max(limit, 1)).Find(rows)
}

// SyncsDone implements auth.Users.
func (db *DB) SyncsDone(ctx context.Context, done ...auth.PendingSync) error {
	for _, s := range done {
		err := db.do(ctx, "remove a settlement", func(orm *gorm.DB) error { return deletePendingSync(orm, s).Error })
		if err != nil {
			return failed(ctx, "remove a settlement", err)
		}
	}
	return nil
}

func deletePendingSync(tx *gorm.DB, s auth.PendingSync) *gorm.DB {
	return tx.Where("at = ? AND id = ?", s.At.UnixMilli(), s.ID).Delete(&pendingSyncRow{})
}
