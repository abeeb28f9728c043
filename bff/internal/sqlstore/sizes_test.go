package sqlstore

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// bff/bench/tables.sh asks for big tables; without it this runs on small ones.
var (
	manyUsers  = flag.Int("users", 2_000, "accounts of TestTablesOfAnySize")
	manyEvents = flag.Int("events", 10_000, "audit events of TestTablesOfAnySize")
)

// TestTablesOfAnySize fills the tables of the version before, migrates them while
// they are written to, and measures what is asked of them. What it finds is right
// at any size; the times are printed and not judged.
func TestTablesOfAnySize(t *testing.T) {
	server := servertest.OwnMariaDB(t)
	if *manyEvents > 100_000 {
		server.AsRoot("SET GLOBAL innodb_buffer_pool_size = 1073741824")
	}
	db := openDB(t, Config{MySQLDSN: server.Database(), QuestionTimeout: 10 * time.Minute})
	timed := func(what string, run func() error) {
		t.Helper()
		began := time.Now()
		if err := run(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		t.Logf("%-48s %8.0f ms", what, float64(time.Since(began).Microseconds())/1000)
	}
	if err := db.migrateTo(t, 2); err != nil {
		t.Fatal(err)
	}
	timed(fmt.Sprintf("fill %d users", *manyUsers), func() error {
		return fill(db, *manyUsers, "INSERT INTO users SELECT MD5(seq), CONCAT('user', seq, '@mail', seq %% 50, '.example.com'), CONCAT('user', seq, '@mail', seq %% 50, '.example.com'), "+
			"CONCAT('Somebody Number ', seq), 'user', REPEAT('h', 60), 1, 0, 1700000000000 + seq * 1000, 0 FROM seq_%d_to_%d ORDER BY 1")
	})
	timed(fmt.Sprintf("fill %d events", *manyEvents), func() error {
		return fill(db, *manyEvents, fmt.Sprintf("INSERT INTO login_audit SELECT MD5(seq), ELT(1 + (seq DIV 7) %%%% 5, 'login_failed', 'logout', 'session_revoked', 'login_succeeded', 'login_succeeded'), MD5(1 + seq %%%% %d), "+
			"MD5(1 + seq %%%% %d), MD5(seq + 7), '', '192.0.2.1', REPEAT('Mozilla ', 12), MD5(seq + 9), 1700000000000 + seq * 100 FROM seq_%%d_to_%%d ORDER BY 1", *manyUsers, *manyUsers))
	})
	timed("migrations 3 to 8 (indexes of the version before)", func() error { return db.migrateTo(t, 8) })
	migrateWritten(t, db, timed)

	db.timeout = questionTimeout
	ask := func(what string, rows int, run func() (int, error)) {
		t.Helper()
		var n int
		timed(what, func() (err error) { n, err = run(); return err })
		if n != rows {
			t.Errorf("%s: %d rows, want %d", what, n, rows)
		}
	}
	users := func(q auth.UserQuery) func() (int, error) {
		return func() (int, error) { list, _, err := db.List(t.Context(), q); return len(list), err }
	}
	events := func(q auth.EventQuery) func() (int, error) {
		return func() (int, error) { list, err := db.Page(t.Context(), q); return len(list), err }
	}
	middle := time.UnixMilli(1700000000000 + int64(*manyUsers)*500)
	for range 2 { // cold, then warm
		ask("list, first page", 51, users(auth.UserQuery{Limit: 51}))
		ask("list, a page in the middle", 51, users(auth.UserQuery{After: auth.Position{At: middle, ID: "x"}, Limit: 51}))
		ask("search for an address", 1, users(auth.UserQuery{Text: "user1@mail1.example.com", Limit: 51}))
		ask("search for an address's beginning", 51, users(auth.UserQuery{Text: "user1", Limit: 51}))
		ask("search for an address's part that many have", min(51, *manyUsers/50), users(auth.UserQuery{Text: "@mail1.example", Limit: 51}))
		ask("search for an address's part that one has", 1, users(auth.UserQuery{Text: "ser" + fmt.Sprint(*manyUsers-7) + "@", Limit: 51}))
		ask("search for a name's part that all have", 51, users(auth.UserQuery{Text: "body numb", Limit: 51}))
		pages, longest := 0, time.Duration(0)
		ask("search for what no account has, to the end", 0, func() (n int, err error) {
			for at := (auth.Position{}); ; {
				began := time.Now()
				list, next, err := db.List(t.Context(), auth.UserQuery{Text: "nothing like it", After: at, Limit: 51})
				longest = max(longest, time.Since(began))
				n, pages = n+len(list), pages+1
				if at = next; err != nil || at == (auth.Position{}) {
					return n, err
				}
			}
		})
		t.Logf("    in %d pages, the longest %s", pages, longest.Round(time.Millisecond))
		ask("trail, first page", 51, events(auth.EventQuery{Limit: 51}))
		ask("trail of a type", 51, events(auth.EventQuery{Type: auth.EventLoginFailed, Limit: 51}))
		ask("trail of a user", min(51, (*manyEvents-6+*manyUsers-1) / *manyUsers), events(auth.EventQuery{UserID: md5Of(db, t, 7), Limit: 51}))
		if _, err := events(auth.EventQuery{UserID: md5Of(db, t, 7), Type: auth.EventLoginFailed, Limit: 51})(); err != nil {
			t.Error(err)
		}
	}
	const pruned = 3000
	timed(fmt.Sprintf("prune %d events in steps of %d", pruned, retentionStep), func() error {
		for total := 0; total < pruned; {
			n, err := db.Prune(t.Context(), time.UnixMilli(1700000000000+100*(pruned+1)))
			if total += n; err != nil || n == 0 {
				return fmt.Errorf("%d: %w", total, err)
			}
		}
		return nil
	})
}

// migrateWritten migrates while two instances of the version before write, and
// reports how long they had to wait.
func migrateWritten(t *testing.T, db *DB, timed func(string, func() error)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var run errgroup.Group
	waits := make([]time.Duration, 2)
	counts := make([]int, 2)
	for w := range waits {
		run.Go(func() error {
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				err := db.orm.WithContext(t.Context()).Exec("INSERT INTO login_audit (id, type, user_id, actor_id, session_id, detail, ip, user_agent, request_id, at) "+
					"VALUES (?, 'logout', 'writer', '', '', '', '', '', '', ?)", fmt.Sprint("w", w, " ", i), 1700000000000+int64(*manyEvents)*100+int64(i)).Error
				if err != nil {
					return err
				}
				waits[w] = max(waits[w], time.Since(began))
				counts[w]++
				select {
				case <-time.After(5 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			return nil
		})
	}
	timed("migrations 9 to the last, while it is written to", func() error { return db.Migrate(t.Context()) })
	stop()
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	var have int
	if err := db.orm.Raw("SELECT COUNT(*) FROM login_audit").Scan(&have).Error; err != nil || have != *manyEvents+counts[0]+counts[1] {
		t.Errorf("%d events (%v), want %d", have, err, *manyEvents+counts[0]+counts[1])
	}
	t.Logf("    %d events written meanwhile, the longest wait %s", counts[0]+counts[1], max(waits[0], waits[1]).Round(time.Millisecond))
}

// fill goes by a connection of migrations, which waits for as long as it takes. All
// rows come at once, in the order of their keys: the other way takes a quarter of an
// hour for five million.
func fill(db *DB, rows int, insert string) error {
	pool, err := db.conn.OpenForMigration()
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.Exec(fmt.Sprintf(insert, 1, rows))
	return err
}

func md5Of(db *DB, t *testing.T, n int) (text string) {
	t.Helper()
	if err := db.orm.Raw("SELECT MD5(?)", n).Scan(&text).Error; err != nil {
		t.Fatal(err)
	}
	return text
}
