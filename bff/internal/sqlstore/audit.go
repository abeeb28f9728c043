package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
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

func (r auditRow) event() auth.Event {
	return auth.Event{
		ID: r.ID, Type: auth.EventType(r.Type), UserID: r.UserID, ActorID: r.ActorID, SessionID: r.SessionID,
		Detail: r.Detail, IP: r.IP, UserAgent: r.UserAgent, RequestID: r.RequestID, At: time.UnixMilli(r.At).UTC(),
	}
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
	err := db.do(ctx, "append to the audit trail", func(orm *gorm.DB) error {
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

// Page implements auth.Audit. Each kind of question has an index that gives its
// rows in order, so that a page costs a page however long the trail is.
func (db *DB) Page(ctx context.Context, q auth.EventQuery) ([]auth.Event, error) {
	if !utf8.ValidString(q.UserID + string(q.Type) + q.After.ID) {
		return nil, nil // cut lets none in, and MySQL 8 would call it an error
	}
	var rows []auditRow
	err := db.do(ctx, "page of the audit trail", func(orm *gorm.DB) error { return selectEvents(orm, db.dialect, q, &rows).Error })
	if err != nil {
		return nil, failed(ctx, "page of the audit trail", err)
	}
	events := make([]auth.Event, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, nil
}

// selectEvents names the index: where events of a type are rare MariaDB thinks
// it cheaper to read the trail from its end until it has a page of them.
func selectEvents(tx *gorm.DB, d dialect, q auth.EventQuery, rows *[]auditRow) *gorm.DB {
	var index indexHint
	switch {
	case q.UserID != "" && q.Type != "":
		index = "login_audit_of_user_type"
	case q.UserID != "":
		index = "login_audit_of_user"
	case q.Type != "":
		index = "login_audit_of_type"
	}
	tx = auditIndex(tx, d, index)
	if q.UserID != "" {
		tx = tx.Where("user_id = ?", q.UserID)
	}
	if q.Type != "" {
		tx = tx.Where("type = ?", q.Type)
	}
	return newestFirst(tx, "at", q.After, q.Limit).Find(rows)
}

func auditIndex(tx *gorm.DB, d dialect, index indexHint) *gorm.DB {
	if d.hints {
		tx = tx.Clauses(index)
	}
	return tx
}
