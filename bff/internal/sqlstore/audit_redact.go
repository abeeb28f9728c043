package sqlstore

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Redact implements auth.AuditKeeper.
func (db *DB) Redact(ctx context.Context, userID string) (n int, err error) {
	if userID == "" || !utf8.ValidString(userID) {
		return 0, nil // those about unknown accounts are not a deleted one's
	}
	err = db.do(ctx, "redact the audit trail", func(orm *gorm.DB) error {
		var rows []auditRow
		if err := selectPersonal(orm, db.dialect, userID, &rows).Error; err != nil || len(rows) == 0 {
			n = 0
			return err
		}
		ran := redactEvents(orm, userID, rows[0], rows[len(rows)-1])
		n = int(ran.RowsAffected)
		return ran.Error
	})
	return n, failed(ctx, "redact the audit trail", err)
}

const isPersonal = "(ip <> '' OR user_agent <> '')"

func selectPersonal(tx *gorm.DB, d dialect, userID string, rows *[]auditRow) *gorm.DB {
	return auditIndex(tx, d, "login_audit_of_user").Select("at", "id").Where("user_id = ? AND "+isPersonal, userID).Order("at, id").Limit(retentionStep).Find(rows)
}

func redactEvents(tx *gorm.DB, userID string, first, last auditRow) *gorm.DB {
	return tx.Model(&auditRow{}).
		Where("user_id = ? AND at >= ? AND at <= ? AND "+isPersonal, userID, first.At, last.At).
		UpdateColumns(map[string]any{"ip": "", "user_agent": ""})
}

// RedactActs implements auth.AuditKeeper. There is no index by who caused an
// event: it would cost each of them a page, and serve this alone.
func (db *DB) RedactActs(ctx context.Context, gone func(string) bool, after auth.Position) (n int, last auth.Position, err error) {
	err = db.do(ctx, "redact the audit trail", func(orm *gorm.DB) error {
		n, last = 0, auth.Position{}
		var ends, rows []auditRow
		if err := selectActsEnd(orm, after, &ends).Error; err != nil {
			return err
		}
		if err := selectActs(orm, after, ends, &rows).Error; err != nil {
			return err
		}
		for _, end := range ends {
			last = auth.Position{At: time.UnixMilli(end.At).UTC(), ID: end.ID}
		}
		rows = slices.DeleteFunc(rows, func(r auditRow) bool { return !gone(r.ActorID) })
		if len(rows) == 0 {
			return nil
		}
		ran := redactActs(orm, rows)
		n = int(ran.RowsAffected)
		return ran.Error
	})
	return n, last, failed(ctx, "redact the audit trail", err)
}

func selectActsEnd(tx *gorm.DB, after auth.Position, ends *[]auditRow) *gorm.DB {
	return oldestAfter(tx, after).Select("at", "id").Offset(retentionStep - 1).Limit(1).Find(ends)
}

const isAct = "actor_id <> '' AND actor_id <> user_id AND " + isPersonal

// selectActs finds what was caused by another account, from a place to an end.
func selectActs(tx *gorm.DB, after auth.Position, ends []auditRow, rows *[]auditRow) *gorm.DB {
	tx = oldestAfter(tx, after).Select("at", "id", "actor_id").Where(isAct)
	for _, end := range ends {
		tx = tx.Where("at <= ? AND (at < ? OR id <= ?)", end.At, end.At, end.ID)
	}
	return tx.Find(rows)
}

func redactActs(tx *gorm.DB, rows []auditRow) *gorm.DB {
	var actors []string
	for _, r := range rows {
		if !slices.Contains(actors, r.ActorID) {
			actors = append(actors, r.ActorID)
		}
	}
	return tx.Model(&auditRow{}).
		Where("at >= ? AND at <= ? AND actor_id IN ? AND "+isAct, rows[0].At, rows[len(rows)-1].At, actors).
		UpdateColumns(map[string]any{"ip": "", "user_agent": ""})
}
