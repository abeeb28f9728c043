package sqlstore

import (
	"context"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// List implements auth.Users.
func (db *DB) List(ctx context.Context, q auth.UserQuery) ([]auth.User, auth.Position, error) {
	if !findable(q.Text) || !utf8.ValidString(q.After.ID+q.After.Key) {
		return nil, auth.Position{}, nil
	}
	if q.Text != "" {
		return db.search(ctx, q)
	}
	rows, err := db.usersOf(ctx, "list users", func(orm *gorm.DB, rows *[]userRow) *gorm.DB { return selectUsers(orm, q, rows) })
	return usersIn(rows), auth.Position{}, err
}

func (db *DB) usersOf(ctx context.Context, op string, query func(orm *gorm.DB, rows *[]userRow) *gorm.DB) ([]userRow, error) {
	var rows []userRow
	err := db.do(ctx, op, func(orm *gorm.DB) error { return query(orm, &rows).Error })
	if err != nil {
		return nil, failed(ctx, op, err)
	}
	return rows, nil
}

func usersIn(rows []userRow) []auth.User {
	users := make([]auth.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users
}

// findable reports whether an account may hold this text. What is longer than the
// columns none does, and SQLite's LIKE fails on a pattern of 50 KB; it also
// ends a pattern at a NUL, so that one alone would find everybody. MySQL 8
// fails on what is not UTF-8.
func findable(text string) bool {
	return utf8.RuneCountInString(text) <= 254 && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

func selectUsers(tx *gorm.DB, q auth.UserQuery, rows *[]userRow) *gorm.DB {
	return newestFirst(tx, "created_at", q.After, q.Limit).Find(rows)
}

// newestFirst is one page of a table sorted by the column time and by id. Where
// it starts is put so that every database finds it in an index: with (time, id)
// < (?, ?) MariaDB reads all that is newer first, and with an OR alone SQLite
// sorts all that is older.
func newestFirst(tx *gorm.DB, time string, after auth.Position, limit int) *gorm.DB {
	if after != (auth.Position{}) {
		at := after.At.UnixMilli()
		tx = tx.Where(time+" <= ? AND ("+time+" < ? OR id < ?)", at, at, after.ID)
	}
	// GORM takes a negative limit for none.
	return tx.Order(time + " DESC, id DESC").Limit(max(limit, 1))
}
