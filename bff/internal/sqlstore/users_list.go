package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// List implements auth.Users.
//
// No index finds a piece of text: a search reads accounts, newest first, until
// its page is full, and all of them when few or none match. Nobody but an
// administrator asks, and questionTimeout is the end of it.
func (db *DB) List(ctx context.Context, q auth.UserQuery) ([]auth.User, error) {
	if !findable(q.Text) || !utf8.ValidString(q.After.ID) {
		return nil, nil
	}
	var rows []userRow
	err := db.do(ctx, "list users", func(orm *gorm.DB) error { return selectUsers(orm, db.dialect, q, &rows).Error })
	if err != nil {
		return nil, failed(ctx, "list users", err)
	}
	users := make([]auth.User, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}

// findable tells whether an account may hold this text. What is longer than the
// columns none does, and SQLite's LIKE fails on a pattern of 50 KB; it also
// ends a pattern at a NUL, so that one alone would find everybody. MySQL 8
// fails on what is not UTF-8.
func findable(text string) bool {
	return utf8.RuneCountInString(text) <= 254 && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

func selectUsers(tx *gorm.DB, d dialect, q auth.UserQuery, rows *[]userRow) *gorm.DB {
	if q.Text != "" {
		tx = tx.Where(d.hasText, sql.Named("text", likePattern(q.Text)))
	}
	return newestFirst(tx, "created_at", q.After, q.Limit).Find(rows)
}

// likePattern finds text anywhere, each character meaning itself. The escape is
// "!" because a backslash would be one for MySQL's string literals as well.
func likePattern(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
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
