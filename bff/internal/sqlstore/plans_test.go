package sqlstore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// planned is a database of some size: what it does to five rows says nothing.
func planned(t *testing.T, c Config) *DB {
	t.Helper()
	db := migrated(t, c)
	var users []userRow
	for i := range 6000 {
		id := fmt.Sprintf("u%04d", i)
		address := id + "@mail.department.example.com"
		u := userRow{
			ID: id, EmailKey: address, Email: address, Name: "Somebody Or Other", Role: "user",
			PasswordHash: strings.Repeat("h", 60), Active: i%2 == 0, CreatedAt: int64(i / 2),
		}
		if i%600 == 0 {
			u.Role = "admin"
		}
		users = append(users, u)
	}
	if err := db.orm.CreateInBatches(users, 500).Error; err != nil {
		t.Fatal(err)
	}
	var events []auth.Event
	for i := range 6000 {
		e := auth.Event{ID: fmt.Sprintf("e%04d", i), UserID: users[i%100].ID, Type: auth.EventLoginSucceeded, At: time.UnixMilli(int64(i / 2))}
		if i%3 == 0 {
			e.Type = auth.EventLoginFailed
		}
		events = append(events, e)
	}
	if err := db.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	analyze := "ANALYZE"
	if db.orm.Name() == "mysql" {
		analyze = "ANALYZE TABLE users, login_audit"
	}
	if err := db.orm.Exec(analyze).Error; err != nil {
		t.Fatal(err)
	}
	return db
}

// TestPlans reads how the databases go about it: each question by its index, in
// the order of the index, and from where the page before ended.
func TestPlans(t *testing.T) {
	const page = 20
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := planned(t, c)
		dry := db.orm.Session(&gorm.Session{DryRun: true})
		var users []userRow
		var events []auditRow
		var ids []string
		deepUser := auth.Position{At: time.UnixMilli(100), ID: "u0200"}
		deepEvent := auth.Position{At: time.UnixMilli(200), ID: "e0400"}
		for name, q := range map[string]struct {
			ran   *gorm.DB
			index string
			most  float64 // rows read
		}{
			"List":               {selectUsers(dry, auth.UserQuery{Limit: page}, &users), "users_by_created", page},
			"List, deep":         {selectUsers(dry, auth.UserQuery{After: deepUser, Limit: page}, &users), "users_by_created", page + 2},
			"Search by address":  {selectUsersByKey(dry, "u00", "", 100, &users), "users_email_key", 100},
			"Search, end":        {selectRangeEnd(dry, db.dialect, deepUser, 50, &users), "users_by_created", 52},
			"Search, range":      {selectRange(dry, db.dialect, "nothing", deepUser, auth.Position{At: time.UnixMilli(75), ID: "u0150"}, page, &users), "users_by_created", 53},
			"Page":               {selectEvents(dry, db.dialect, auth.EventQuery{Limit: page}, &events), "PRIMARY", page},
			"Page, deep":         {selectEvents(dry, db.dialect, auth.EventQuery{After: deepEvent, Limit: page}, &events), "PRIMARY", page + 2},
			"Page of user":       {selectEvents(dry, db.dialect, auth.EventQuery{UserID: "u0007", Limit: page}, &events), "login_audit_of_user", page},
			"Page of user, deep": {selectEvents(dry, db.dialect, auth.EventQuery{UserID: "u0007", After: deepEvent, Limit: page}, &events), "login_audit_of_user", page},
			"Page of type":       {selectEvents(dry, db.dialect, auth.EventQuery{Type: auth.EventLoginFailed, Limit: page}, &events), "login_audit_of_type", page},
			"Page of type, deep": {selectEvents(dry, db.dialect, auth.EventQuery{Type: auth.EventLoginFailed, After: deepEvent, Limit: page}, &events), "login_audit_of_type", page + 2},
			"Page of both":       {selectEvents(dry, db.dialect, auth.EventQuery{UserID: "u0007", Type: auth.EventLoginFailed, Limit: page}, &events), "login_audit_of_user_type", page},
			"Page of both, deep": {selectEvents(dry, db.dialect, auth.EventQuery{UserID: "u0007", Type: auth.EventLoginFailed, After: deepEvent, Limit: page}, &events), "login_audit_of_user_type", page},
			"active admins":      {selectAdmins(dry, &ids), "users_by_role", 10},
			"lock":               {lockUsers(dry, []string{"u0007", "u0600", "u1200"}, &users), "PRIMARY", 3},
		} {
			plan := db.plan(t, q.ran)
			if !slices.Equal(plan.indexes, []string{q.index}) || plan.sorts || plan.rows > q.most {
				t.Errorf("%s: %+v; want the index %s, no sorting, at most %v rows\n%s", name, plan, q.index, q.most, q.ran.Statement.SQL.String())
			}
		}
	})
}

// TestPlansOfWhatShortensTheTrail: a deletion that walks another index than the
// table's own order, or an update that reads the trail between two times, locks
// what is being written.
func TestPlansOfWhatShortensTheTrail(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := planned(t, c)
		dry := db.orm.Session(&gorm.Session{DryRun: true})
		var events []auditRow
		before := time.UnixMilli(2900) // all but 200
		ends := []auditRow{{At: 100, ID: "e0200"}}
		place := auth.Position{At: time.UnixMilli(100), ID: "e0200"}
		first, last := auditRow{At: 0, ID: "e0000"}, auditRow{At: 2999, ID: "e5999"}
		for name, q := range map[string]struct {
			ran   *gorm.DB
			index string
			most  float64 // rows, as estimated by MariaDB
		}{
			"Prune, end":      {selectPruneEnd(dry, before, 200, &events), "PRIMARY", 6000},
			"Prune":           {deleteEvents(dry, before, ends), "PRIMARY", 400},
			"Redact, some":    {selectPersonal(dry, db.dialect, "u0007", &events), "login_audit_of_user", 60},
			"Redact":          {redactEvents(dry, "u0007", first, last), "login_audit_of_user", 60},
			"RedactActs, end": {selectActsEnd(dry, place, &events), "PRIMARY", 6000},
			"RedactActs":      {selectActs(dry, place, []auditRow{{At: 200, ID: "e0400"}}, &events), "PRIMARY", 400},
			"RedactActs, out": {redactActs(dry, []auditRow{{At: 100, ActorID: "a"}, {At: 200, ActorID: "b"}}), "PRIMARY", 400},
			"Between":         {selectBetween(dry, time.UnixMilli(0), before, place, 100, &events), "PRIMARY", 6000},
		} {
			if name == "RedactActs, out" && db.orm.Name() == "sqlite" {
				q.index = "login_audit_of_type" // with each of the few types: the same few rows
			}
			plan := db.explain(t, q.ran)
			if !slices.Equal(plan.indexes, []string{q.index}) || plan.sorts || plan.rows > q.most {
				t.Errorf("%s: %+v; want the index %s, no sorting, at most %v rows\n%s", name, plan, q.index, q.most, q.ran.Statement.SQL.String())
			}
		}
	})
}

type plan struct {
	indexes []string
	sorts   bool
	rows    float64 // as counted by MariaDB; SQLite does not say
}

func (db *DB) plan(t *testing.T, q *gorm.DB) plan {
	t.Helper()
	return db.planBy(t, "ANALYZE ", q) // MariaDB's: it also runs the query
}

// explain is plan for what changes something.
func (db *DB) explain(t *testing.T, q *gorm.DB) plan {
	t.Helper()
	return db.planBy(t, "EXPLAIN ", q)
}

func (db *DB) planBy(t *testing.T, how string, q *gorm.DB) (p plan) {
	t.Helper()
	var steps []struct {
		Key, Extra, Detail string
		RRows, Rows        float64
	}
	if db.orm.Name() == "sqlite" {
		how = "EXPLAIN QUERY PLAN "
	}
	if err := db.orm.Raw(how+q.Statement.SQL.String(), q.Statement.Vars...).Scan(&steps).Error; err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if db.orm.Name() == "sqlite" {
			_, index, _ := strings.Cut(s.Detail, "INDEX ")
			index, _, _ = strings.Cut(index, " ")
			s.Key, s.Extra = strings.NewReplacer("sqlite_autoindex_users_1", "PRIMARY", "sqlite_autoindex_login_audit_1", "PRIMARY", "sqlite_autoindex_users_2", "users_email_key").Replace(index), s.Detail
		}
		p.indexes = append(p.indexes, s.Key)
		p.sorts = p.sorts || strings.Contains(s.Extra, "filesort") || strings.Contains(s.Extra, "TEMP B-TREE")
		if p.rows += s.RRows; how == "EXPLAIN " {
			p.rows += s.Rows
		}
	}
	return p
}
