package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// auditRow is a row of login_audit.
type auditRow struct {
	ID        string `gorm:"primaryKey"`
	Type      string
	UserID    string
	ActorID   string
	SessionID string
	Detail    string
	IP        string
	UserAgent string
	RequestID string
	At        int64 // ms since 1970
}

func (auditRow) TableName() string { return "login_audit" }

// newAuditRow cuts what is too long instead of refusing it: user agents are
// written by strangers, and an event that cannot be stored is an attack that
// leaves no trace. Only the ID is refused: shortened it would be another one,
// and two events without would be one.
func newAuditRow(e auth.Event) (auditRow, error) {
	if e.ID == "" || len(e.ID) > 64 || !utf8.ValidString(e.ID) {
		return auditRow{}, errors.New("column id does not hold this event's ID")
	}
	return auditRow{
		ID:        e.ID,
		Type:      cut(string(e.Type), 32),
		UserID:    cut(e.UserID, 64),
		ActorID:   cut(e.ActorID, 64),
		SessionID: cut(e.SessionID, 64),
		Detail:    cut(e.Detail, 255),
		IP:        cut(e.IP, 64),
		UserAgent: cut(e.UserAgent, 256),
		RequestID: cut(e.RequestID, 128),
		At:        e.At.UnixMilli(),
	}, nil
}

// cut makes s valid UTF-8 of at most max bytes, ending on a whole character.
func cut(s string, max int) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

// auditBatch is how many events go into one statement.
const auditBatch = 100

// Append implements auth.Audit: all of the events or none. An event that is
// stored already, by its ID, is left as it is, so that appending again after an
// error of unknown outcome is safe.
func (db *DB) Append(ctx context.Context, events ...auth.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]auditRow, len(events))
	for i, e := range events {
		row, err := newAuditRow(e)
		if err != nil {
			return failed(ctx, "append to the audit trail", err)
		}
		rows[i] = row
	}
	err := db.do(ctx, func(orm *gorm.DB) error {
		return orm.Transaction(func(tx *gorm.DB) error {
			for batch := range slices.Chunk(rows, auditBatch) {
				if err := insertEvents(tx, batch).Error; err != nil {
					return err
				}
			}
			return nil
		})
	})
	return failed(ctx, "append to the audit trail", err)
}

func insertEvents(tx *gorm.DB, rows []auditRow) *gorm.DB {
	return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows)
}
