package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// searchBudget is what one page of a search may cost. No index finds a piece of
// text, so a search reads accounts in the order of the list, range by range, and
// gives what it has found when the budget is used up. One query of them all took
// 5 to 7 seconds with a million accounts, was cut at 3 and found nothing.
type searchBudget struct {
	time time.Duration
	rows int // at most
	step int // accounts that one query reads
}

var defaultSearchBudget = searchBudget{time: 1500 * time.Millisecond, rows: 1_000_000, step: 5000}

// search finds the accounts whose address begins with the text by their index,
// then the others by reading the list.
func (db *DB) search(ctx context.Context, q auth.UserQuery) ([]auth.User, auth.Position, error) {
	limit := max(q.Limit, 1)
	patience, step := db.budget.time, db.budget.step
	var found []userRow
	at := q.After
	prefix := auth.AddressPrefix(q.Text)
	if at.ID == "" && isAddressText(prefix) {
		rows, err := db.searchQuery(ctx, func(orm *gorm.DB, rows *[]userRow) *gorm.DB {
			return selectUsersByKey(orm, prefix, at.Key, limit, rows)
		})
		if err != nil {
			return nil, auth.Position{}, err
		}
		if found = rows; len(found) > 0 {
			// It is what was looked for, most likely.
			patience, step = patience/10, max(step/10, 1)
		}
	}
	budget, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	at.Key = ""
	for read := 0; len(found) < limit; read += step {
		if read > 0 && (read >= db.budget.rows || budget.Err() != nil) && ctx.Err() == nil {
			return usersIn(found), at, nil
		}
		rows, last, err := db.searchRange(ctx, q.Text, at, step, limit-len(found))
		if read > 0 && errors.Is(err, auth.ErrSearchTooWide) && ctx.Err() == nil {
			return usersIn(found), at, nil // the database got slower on the way
		}
		if err != nil {
			return nil, auth.Position{}, err
		}
		found = append(found, rows...)
		if last == (auth.Position{}) {
			break // the end of the list
		}
		at = last
	}
	return usersIn(found), auth.Position{}, nil
}

// searchRange reads the next accounts of the list, step of them, and gives those
// that match, at most limit, and the last account that was read; zero after the
// end of the list.
func (db *DB) searchRange(ctx context.Context, text string, after auth.Position, step, limit int) ([]userRow, auth.Position, error) {
	ends, err := db.searchQuery(ctx, func(orm *gorm.DB, rows *[]userRow) *gorm.DB {
		return selectRangeEnd(orm, db.dialect, after, step, rows)
	})
	if err != nil {
		return nil, auth.Position{}, err
	}
	var last auth.Position
	for _, end := range ends {
		last = auth.Position{At: time.UnixMilli(end.CreatedAt).UTC(), ID: end.ID}
	}
	rows, err := db.searchQuery(ctx, func(orm *gorm.DB, rows *[]userRow) *gorm.DB {
		return selectRange(orm, db.dialect, text, after, last, limit, rows)
	})
	return rows, last, err
}

// searchQuery runs one query of a search. One that the database ended, because
// it took too long, is an answer about the search and no outage.
func (db *DB) searchQuery(ctx context.Context, query func(orm *gorm.DB, rows *[]userRow) *gorm.DB) ([]userRow, error) {
	return db.usersOf(ctx, "search users", func(orm *gorm.DB, rows *[]userRow) *gorm.DB {
		ran := query(orm, rows)
		if ran.Error != nil && db.conn.Overran(ran.Error) {
			ran.Error = fmt.Errorf("%w: %w", auth.ErrSearchTooWide, ran.Error)
		}
		return ran
	})
}

// isAddressText reports whether an address may begin with text. Keys are ASCII.
func isAddressText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// keysUntil is beyond every key that begins with prefix: keys end before DEL.
func keysUntil(prefix string) string { return prefix + "\x7f" }

func selectUsersByKey(tx *gorm.DB, prefix, after string, limit int, rows *[]userRow) *gorm.DB {
	return tx.Where("email_key > ? AND email_key >= ? AND email_key < ?", after, prefix, keysUntil(prefix)).
		Order("email_key").Limit(limit).Find(rows)
}

// selectRangeEnd reads nothing but the index.
func selectRangeEnd(tx *gorm.DB, d dialect, after auth.Position, step int, rows *[]userRow) *gorm.DB {
	return newestFirst(listIndex(tx, d), "created_at", after, 1).Select("created_at", "id").Offset(step - 1).Find(rows)
}

func selectRange(tx *gorm.DB, d dialect, text string, after, last auth.Position, limit int, rows *[]userRow) *gorm.DB {
	tx = listIndex(tx, d)
	if last != (auth.Position{}) {
		at := last.At.UnixMilli()
		tx = tx.Where("created_at >= ? AND (created_at > ? OR id >= ?)", at, at, last.ID)
	}
	if prefix := auth.AddressPrefix(text); isAddressText(prefix) {
		tx = tx.Where("NOT (email_key >= ? AND email_key < ?)", prefix, keysUntil(prefix))
	}
	tx = tx.Where(d.hasText, sql.Named("text", likePattern(text)))
	return newestFirst(tx, "created_at", after, limit).Find(rows)
}

func listIndex(tx *gorm.DB, d dialect) *gorm.DB {
	if d.hints {
		tx = tx.Clauses(indexHint("users_by_created"))
	}
	return tx
}

// likePattern finds text anywhere, each character meaning itself. The escape is
// "!" because a backslash would be one for MySQL's string literals as well.
func likePattern(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

// indexHint has MySQL read a table by an index: on big tables its optimizer
// thinks reading the whole table and sorting it to be cheaper.
type indexHint string

// ModifyStatement implements gorm.StatementModifier.
func (h indexHint) ModifyStatement(stmt *gorm.Statement) {
	if h != "" {
		from := stmt.Clauses["FROM"]
		from.AfterExpression = h
		stmt.Clauses["FROM"] = from
	}
}

// Build implements clause.Expression.
func (h indexHint) Build(b clause.Builder) {
	// A builder in memory: it does not fail.
	_, _ = b.WriteString("FORCE INDEX (`" + string(h) + "`)")
}
