package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// userRow is a row of users. GORM's own filling in of created_at and updated_at
// is off: it takes a zero for "not set".
type userRow struct {
	ID            string `gorm:"primaryKey"`
	EmailKey      string
	Email         string
	Name          string
	Role          string
	PasswordHash  string
	Active        bool
	EmailVerified bool
	CreatedAt     int64 `gorm:"autoCreateTime:false"` // ms since 1970
	UpdatedAt     int64 `gorm:"autoUpdateTime:false"` // ms since 1970
}

func (userRow) TableName() string { return "users" }

func (r userRow) user() auth.User {
	return auth.User{
		ID:            r.ID,
		Email:         auth.Email{Address: r.Email, Key: r.EmailKey},
		Name:          r.Name,
		Role:          session.Role(r.Role),
		PasswordHash:  r.PasswordHash,
		Active:        r.Active,
		EmailVerified: r.EmailVerified,
		CreatedAt:     time.UnixMilli(r.CreatedAt).UTC(),
	}
}

// newUserRow refuses what the columns do not hold. MySQL would do so by itself;
// SQLite ignores the lengths it was given and keeps anything.
func newUserRow(u auth.User) (userRow, error) {
	created := u.CreatedAt.UnixMilli()
	r := userRow{
		ID: u.ID, EmailKey: u.Email.Key, Email: u.Email.Address, Name: u.Name,
		Role: string(u.Role), PasswordHash: u.PasswordHash,
		Active: u.Active, EmailVerified: u.EmailVerified,
		CreatedAt: created, UpdatedAt: created,
	}
	for _, c := range []struct {
		column string
		size   int // what is stored: characters of email and name, else bytes
		min    int
		max    int
		utf8   string
	}{
		{"id", len(r.ID), 1, 64, r.ID},
		{"email_key", len(r.EmailKey), 1, 254, r.EmailKey},
		{"email", utf8.RuneCountInString(r.Email), 1, 254, r.Email},
		{"name", utf8.RuneCountInString(r.Name), 0, 100, r.Name},
		{"role", len(r.Role), 1, 16, r.Role},
		{"password_hash", len(r.PasswordHash), 1, maxHashBytes, r.PasswordHash},
	} {
		if c.size < c.min || c.size > c.max || !utf8.ValidString(c.utf8) {
			return userRow{}, fmt.Errorf("column %s does not hold this value", c.column)
		}
	}
	return r, nil
}

const maxHashBytes = 255

// errTaken leaves the transaction of Create when some key of the new row
// exists already.
var errTaken = errors.New("a row with this key exists")

// Create implements auth.Users.
func (db *DB) Create(ctx context.Context, u auth.User, e auth.Event) error {
	row, err := newUserRow(u)
	if err != nil {
		return failed(ctx, "create user", err)
	}
	event, err := newAuditRow(e)
	if err != nil {
		return failed(ctx, "create user", err)
	}
	err = db.do(ctx, "create user", func(orm *gorm.DB) error {
		return orm.Transaction(func(tx *gorm.DB) error {
			if err := tx.Create(&row).Error; err != nil {
				if errors.Is(err, gorm.ErrDuplicatedKey) {
					return errTaken
				}
				return err
			}
			return tx.Create(&event).Error
		})
	})
	if errors.Is(err, errTaken) && !db.idTaken(ctx, u) {
		return auth.ErrEmailTaken
	}
	return failed(ctx, "create user", err)
}

// idTaken reports which key of u was a duplicate: servers say so only in words.
// It looks for the ID, not for the address, because MariaDB may report a
// duplicate a moment before others can read the row.
func (db *DB) idTaken(ctx context.Context, u auth.User) bool {
	other, err := db.ByID(ctx, u.ID)
	return err == nil && other.Email.Key != u.Email.Key
}

// ByID implements auth.Users.
func (db *DB) ByID(ctx context.Context, id string) (auth.User, error) {
	return db.user(ctx, "user by id", "id = ?", id)
}

// ByEmail implements auth.Users.
func (db *DB) ByEmail(ctx context.Context, key string) (auth.User, error) {
	return db.user(ctx, "user by email", "email_key = ?", key)
}

func (db *DB) user(ctx context.Context, op, where, key string) (auth.User, error) {
	if !utf8.ValidString(key) {
		return auth.User{}, auth.ErrNoUser // newUserRow lets none in, and MySQL 8 would call it an error
	}
	var r userRow
	err := db.do(ctx, op, func(orm *gorm.DB) error { return selectUser(orm, where, key, &r).Error })
	switch {
	case err == nil:
		return r.user(), nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return auth.User{}, auth.ErrNoUser
	}
	return auth.User{}, failed(ctx, op, err)
}

func selectUser(tx *gorm.DB, where, key string, r *userRow) *gorm.DB {
	return tx.Where(where, key).Take(r)
}

// SetPasswordHash implements auth.Users.
func (db *DB) SetPasswordHash(ctx context.Context, id, old, next string) error {
	if next == "" || len(next) > maxHashBytes {
		return failed(ctx, "set password hash", errors.New("column password_hash does not hold this value"))
	}
	err := db.do(ctx, "set password hash", func(orm *gorm.DB) error {
		return updateHash(orm, id, old, next, db.now().UnixMilli()).Error
	})
	return failed(ctx, "set password hash", err)
}

func updateHash(tx *gorm.DB, id, old, next string, now int64) *gorm.DB {
	return tx.Model(&userRow{}).
		Where("id = ? AND password_hash = ?", id, old).
		UpdateColumns(map[string]any{"password_hash": next, "updated_at": now})
}
