package sqlstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// A thousand events at once took longer than a question may, and nothing was ever
// deleted.
func TestPruneTakesFewerEventsWhereTheDatabaseIsSlow(t *testing.T) {
	db := migrated(t, Config{MySQLDSN: servertest.MariaDB(t)})
	for _, statement := range []string{
		"CREATE TABLE deleted (n INTEGER AUTO_INCREMENT PRIMARY KEY)",
		// As the server ends a statement that deletes more than 100 in one go.
		"CREATE TRIGGER slow BEFORE DELETE ON login_audit FOR EACH ROW BEGIN INSERT INTO deleted VALUES (NULL); " +
			"IF (SELECT COUNT(*) FROM deleted) > 100 THEN SIGNAL SQLSTATE '70100' SET MYSQL_ERRNO = 1969, MESSAGE_TEXT = 'max_statement_time exceeded'; END IF; END",
	} {
		if err := db.orm.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	var events []auth.Event
	for i := range 700 {
		events = append(events, auth.Event{ID: fmt.Sprint(i), At: sessiontest.Start.Add(time.Duration(i) * time.Millisecond)})
	}
	if err := db.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	prune := func() int {
		t.Helper()
		n, err := db.Prune(t.Context(), sessiontest.Start.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.orm.Exec("DELETE FROM deleted").Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	total := 0
	for n := prune(); n > 0; n = prune() {
		if total += n; n > 100 {
			t.Errorf("%d events at once", n)
		}
	}
	if total != len(events) {
		t.Errorf("%d events were deleted, want %d", total, len(events))
	}
	// Where it is quick again, steps get longer.
	if err := db.orm.Exec("DROP TRIGGER slow").Error; err != nil {
		t.Fatal(err)
	}
	for i := range events {
		events[i].ID += " again"
	}
	if err := db.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	most := 0
	for n := prune(); n > 0; n = prune() {
		most = max(most, n)
	}
	if most <= 100 {
		t.Errorf("%d events at once at most, of a database that is quick", most)
	}
}

// The key begins with the time, so that months can be partitions and go at once.
func TestAuditTrailInPartitions(t *testing.T) {
	c := Config{MySQLDSN: servertest.MariaDB(t)}
	db := migrated(t, c)
	month := func(m int) time.Time { return time.Date(2026, time.Month(m), 1, 0, 0, 0, 0, time.UTC) }
	fill := func(m int) {
		t.Helper()
		var events []auth.Event
		for i := range 10 {
			events = append(events, auth.Event{
				ID: fmt.Sprint(m, " ", i), Type: auth.EventLogout, UserID: []string{"a", "b"}[i%2], ActorID: "a", IP: "192.0.2.1",
				At: month(m).Add(time.Duration(i) * time.Hour),
			})
		}
		for range 2 { // appended again after an error of unknown outcome
			if err := db.Append(t.Context(), events...); err != nil {
				t.Fatal(err)
			}
		}
	}
	for m := 1; m <= 3; m++ {
		fill(m)
	}
	alter := func(statement string) {
		t.Helper()
		if err := db.orm.Exec("ALTER TABLE login_audit " + statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	var parts []string
	for m := 1; m <= 4; m++ {
		parts = append(parts, fmt.Sprintf("PARTITION p2026%02d VALUES LESS THAN (%d)", m, month(m+1).UnixMilli()))
	}
	alter("PARTITION BY RANGE (at) (" + strings.Join(parts, ", ") + ", PARTITION later VALUES LESS THAN MAXVALUE)")
	fill(4)
	fill(6)
	alter("DROP PARTITION p202601")
	alter(fmt.Sprintf("REORGANIZE PARTITION later INTO (PARTITION p202605 VALUES LESS THAN (%d), PARTITION later VALUES LESS THAN MAXVALUE)", month(6).UnixMilli()))

	// It goes on: an instance that starts, and all that is asked of the trail.
	db = migrated(t, c)
	if err := db.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
	count := func(what string, want int) {
		t.Helper()
		for name, n := range map[string]int{
			"page":    len(pageOf(t, db, auth.EventQuery{Limit: 100})),
			"type":    len(pageOf(t, db, auth.EventQuery{Type: auth.EventLogout, Limit: 100})),
			"user":    2 * len(pageOf(t, db, auth.EventQuery{UserID: "a", Limit: 100})),
			"both":    2 * len(pageOf(t, db, auth.EventQuery{UserID: "b", Type: auth.EventLogout, Limit: 100})),
			"further": 5 + len(pageOf(t, db, auth.EventQuery{After: auth.Position{At: month(6).Add(5 * time.Hour), ID: "6 5"}, Limit: 100})),
		} {
			if n != want {
				t.Errorf("%s: %d events by %s, want %d", what, n, name, want)
			}
		}
	}
	count("a partition was dropped", 40)
	fill(5)
	count("written after that", 50)
	if n, err := db.Prune(t.Context(), month(2).Add(5*time.Hour)); err != nil || n != 5 {
		t.Errorf("pruned %d (%v), want 5", n, err)
	}
	if list, err := db.Between(t.Context(), month(2), month(5), auth.Position{}, 100); err != nil || len(list) != 25 {
		t.Errorf("exported %d (%v), want 25", len(list), err)
	}
	if n, err := db.Redact(t.Context(), "b"); err != nil || n != 23 {
		t.Errorf("redacted %d events about b (%v), want 23", n, err)
	}
	n, next, err := db.RedactActs(t.Context(), func(id string) bool { return id == "a" }, auth.Position{})
	if err != nil || n != 0 || next != (auth.Position{}) {
		t.Errorf("redacted %d acts of a, those about b are done (%v), next %v", n, err, next)
	}
}

func pageOf(t *testing.T, db *DB, q auth.EventQuery) []auth.Event {
	t.Helper()
	list, err := db.Page(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
