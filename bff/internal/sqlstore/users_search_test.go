package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// searched gives what all pages of a search find, and how many there were.
func searched(t *testing.T, db *DB, text string, limit int) (names []string, pages int) {
	t.Helper()
	for after := (auth.Position{}); ; {
		list, resume, err := db.List(t.Context(), auth.UserQuery{Text: text, After: after, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list {
			names = append(names, u.Email.Address)
			after = auth.Position{At: u.CreatedAt, ID: u.ID}
			if u.AddressBegins(text) {
				after = auth.Position{Key: u.Email.Key}
			}
		}
		if resume != (auth.Position{}) {
			after = resume
		} else if len(list) < limit {
			return names, pages + 1
		}
		if pages++; pages > 100 {
			t.Fatalf("%q: it does not end", text)
		}
	}
}

// With half a million accounts a search was a 503: one query read them all.
func TestSearchGivesWhatItsBudgetFinds(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := migrated(t, c)
		var rows []userRow
		for i := range 100 {
			address := fmt.Sprintf("u%02d@example.com", i)
			rows = append(rows, userRow{ID: fmt.Sprint(i), EmailKey: address, Email: address, Name: "Some Body", Role: "user", PasswordHash: "h", CreatedAt: int64(i / 3)})
		}
		rows[3].Name, rows[50].Name, rows[97].Name = "Needle", "needle", "A NEEDLE"
		if err := db.orm.Create(rows).Error; err != nil {
			t.Fatal(err)
		}
		want := []string{"u97@example.com", "u50@example.com", "u03@example.com"}
		for name, budget := range map[string]struct {
			searchBudget
			pages int // at least
		}{
			"all at once":  {searchBudget{time.Hour, 1_000_000, 5000}, 1},
			"by ranges":    {searchBudget{time.Hour, 1_000_000, 7}, 1},
			"one by one":   {searchBudget{time.Hour, 1_000_000, 1}, 1},
			"ten a page":   {searchBudget{time.Hour, 10, 5}, 10},
			"time is over": {searchBudget{0, 1_000_000, 9}, 11},
		} {
			db.budget = budget.searchBudget
			for limit := range 4 {
				found, pages := searched(t, db, "NEEDLE", limit+1)
				if !slices.Equal(found, want) || pages < budget.pages {
					t.Errorf("%s, %d a page: %q on %d pages, want %q on %d or more", name, limit+1, found, pages, want, budget.pages)
				}
			}
			if found, _ := searched(t, db, "nothing", 3); len(found) != 0 {
				t.Errorf("%s: %q", name, found)
			}
			if found, _ := searched(t, db, "body", 40); len(found) != 97 {
				t.Errorf("%s: %d of 97", name, len(found))
			}
		}
		// The oldest account, by its address, on the first page.
		db.budget = searchBudget{0, 10, 5}
		list, _, err := db.List(t.Context(), auth.UserQuery{Text: "U00@exam", Limit: 5})
		if err != nil || len(list) != 1 || list[0].ID != "0" {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// A search that the database cannot begin in time is no outage.
func TestSearchTooWide(t *testing.T) {
	c := Config{MySQLDSN: servertest.MariaDB(t), QuestionTimeout: questionTimeout}
	var outages []error
	c.Observe = func(ctx context.Context, _ string) (context.Context, func(error)) {
		return ctx, func(err error) { outages = append(outages, err) }
	}
	db := migrated(t, c)
	conn, err := openDB(t, Config{MySQLDSN: c.MySQLDSN}).conn.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "LOCK TABLES users WRITE"); err != nil {
		t.Fatal(err)
	}
	outages = nil
	if _, _, err := db.List(t.Context(), auth.UserQuery{Text: "x y", Limit: 5}); !errors.Is(err, auth.ErrSearchTooWide) {
		t.Errorf("a search that takes too long: %v, want ErrSearchTooWide", err)
	}
	if len(outages) != 1 || outages[0] != nil {
		t.Errorf("counted as outages: %v", outages)
	}
}

// 24 searches that had been given up still ran two minutes later.
func TestStatementsThatAreGivenUpEndOnTheServer(t *testing.T) {
	c := Config{MySQLDSN: servertest.MariaDB(t), QuestionTimeout: questionTimeout}
	db, watcher := migrated(t, c), openDB(t, c)
	running := func() (n int) {
		t.Helper()
		err := watcher.orm.Raw("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT BENCHMARK(%' AND db = DATABASE()").Scan(&n).Error
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	// SLEEP would notice that the connection has ended; what works does not.
	ended := make(chan error, 1)
	go func() { _, err := db.conn.ExecContext(ctx, "SELECT BENCHMARK(1000000000, MD5('x'))"); ended <- err }()
	await(t, "the statement runs", func() bool { return running() == 1 })
	giveUp()
	if err := <-ended; err == nil {
		t.Error("it was not given up")
	}
	await(t, "the server ends it", func() bool { return running() == 0 })

	// A migration takes as long as it takes.
	pool, err := db.conn.OpenForMigration()
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, p := range map[string]struct {
		row  interface{ Scan(...any) error }
		want float64
	}{
		"requests":   {db.conn.QueryRowContext(t.Context(), "SELECT @@max_statement_time"), 2.8},
		"migrations": {pool.QueryRowContext(t.Context(), "SELECT @@max_statement_time"), 0},
	} {
		var limit float64
		if err := p.row.Scan(&limit); err != nil || limit != p.want {
			t.Errorf("%s are limited to %v s (%v), want %v", name, limit, err, p.want)
		}
	}
	own := openDB(t, Config{MySQLDSN: c.MySQLDSN + "?max_statement_time=7"})
	var limit float64
	if err := own.conn.QueryRowContext(t.Context(), "SELECT @@max_statement_time").Scan(&limit); err != nil || limit != 7 {
		t.Errorf("the limit of the DSN is %v (%v), want 7", limit, err)
	}
}

// await waits until done, for as long as a busy machine may take.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}
