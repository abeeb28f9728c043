package sqlstore

import (
	"context"
	"slices"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Change implements auth.Users.
func (db *DB) Change(ctx context.Context, id string, c auth.UserChange, events ...auth.Event) (auth.User, error) {
	demotes := c.Role != nil && *c.Role != session.RoleAdmin || c.Active != nil && !*c.Active
	var after auth.User
	err := db.changeUser(ctx, "change user", id, demotes, events, func(tx *gorm.DB, before auth.User) (bool, error) {
		if c.IfHash != "" && c.IfHash != before.PasswordHash {
			return false, auth.ErrHashChanged
		}
		if c.IfRole != nil && *c.IfRole != before.Role || c.IfActive != nil && *c.IfActive != before.Active {
			return false, auth.ErrUserChanged
		}
		columns := map[string]any{}
		after = before
		set(columns, "name", &after.Name, c.Name)
		set(columns, "role", &after.Role, c.Role)
		set(columns, "active", &after.Active, c.Active)
		set(columns, "password_hash", &after.PasswordHash, c.PasswordHash)
		if _, err := newUserRow(after); err != nil {
			return false, err
		}
		if len(columns) > 0 {
			columns["updated_at"] = db.now().UnixMilli()
			if err := updateUser(tx, id, columns).Error; err != nil {
				return false, err
			}
		}
		if c.Sync != nil {
			return activeAdmin(after), insertPendingSync(tx, *c.Sync)
		}
		return activeAdmin(after), nil
	})
	if err != nil {
		return auth.User{}, err
	}
	return after, nil
}

// set notes down a new value, if there is one, for the column and the field.
func set[T any](columns map[string]any, column string, field, value *T) {
	if value != nil {
		columns[column], *field = *value, *value
	}
}

func updateUser(tx *gorm.DB, id string, columns map[string]any) *gorm.DB {
	return tx.Model(&userRow{}).Where("id = ?", id).UpdateColumns(columns)
}

// Delete implements auth.Users.
func (db *DB) Delete(ctx context.Context, id string, e auth.Event, s auth.PendingSync) error {
	return db.changeUser(ctx, "delete user", id, true, []auth.Event{e}, func(tx *gorm.DB, _ auth.User) (bool, error) {
		if err := deleteUser(tx, id).Error; err != nil {
			return false, err
		}
		return false, insertPendingSync(tx, s)
	})
}

func deleteUser(tx *gorm.DB, id string) *gorm.DB {
	return tx.Where("id = ?", id).Delete(&userRow{})
}

// changeUser runs write on a locked account and stores events, in one
// transaction. write reports whether the account is an active administrator
// afterwards; where it was one and is not, another one must be left.
//
// Two who demoted each other at the same moment used to see one another still
// there. So a transaction that may take an administrator away (demotes) locks every active
// one, and the second sees what the first has left. They are looked up first and
// locked in the order of their IDs, together with the account: by one order all
// wait in line, where locks taken from the index of roles ended in deadlocks,
// because a promotion holds the account and wants the index. Who became an
// administrator in between does not count yet; that refuses too much, not too
// little.
//
// Before that they write one row: with several primaries each node locks for
// itself, and two administrators who demoted each other on two nodes left none.
// Of two that have written the row one is undone, and begins anew. The locks are
// for instances of a version that does not write it.
func (db *DB) changeUser(ctx context.Context, op, id string, demotes bool, events []auth.Event,
	write func(tx *gorm.DB, before auth.User) (admin bool, err error),
) error {
	if !utf8.ValidString(id) {
		return auth.ErrNoUser // as user says
	}
	rows := make([]auditRow, len(events))
	for i, e := range events {
		row, err := newAuditRow(e)
		if err != nil {
			return failed(ctx, op, err)
		}
		rows[i] = row
	}
	err := db.do(ctx, op, func(orm *gorm.DB) error {
		return orm.Transaction(func(tx *gorm.DB) error {
			ids := []string{id}
			if demotes {
				if err := writeGuard(tx, administratorsGuard).Error; err != nil {
					return err
				}
				var admins []string
				if err := selectAdmins(tx, &admins).Error; err != nil {
					return err
				}
				ids = append(ids, admins...)
			}
			var locked []userRow
			if err := lockUsers(tx, ids, &locked).Error; err != nil {
				return err
			}
			at := slices.IndexFunc(locked, func(r userRow) bool { return r.ID == id })
			if at < 0 {
				return auth.ErrNoUser
			}
			before := locked[at].user()
			admin, err := write(tx, before)
			if err != nil {
				return err
			}
			another := slices.ContainsFunc(locked, func(r userRow) bool { return r.ID != id && activeAdmin(r.user()) })
			if activeAdmin(before) && !admin && !another {
				return auth.ErrLastAdmin
			}
			if len(rows) == 0 {
				return nil
			}
			return tx.Create(&rows).Error
		}, db.conn.WriteTx)
	})
	if isAnswer(err) {
		return err
	}
	return failed(ctx, op, err)
}

func activeAdmin(u auth.User) bool { return u.Active && u.Role == session.RoleAdmin }

func selectAdmins(tx *gorm.DB, ids *[]string) *gorm.DB {
	return tx.Model(&userRow{}).Where("role = ? AND active = ?", session.RoleAdmin, true).Pluck("id", ids)
}

// lockUsers locks and reads accounts. SQLite has no FOR UPDATE, and GORM leaves
// it out there: its transactions are one at a time.
func lockUsers(tx *gorm.DB, ids []string, rows *[]userRow) *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Where("id IN ?", ids).Order("id").Find(rows)
}
