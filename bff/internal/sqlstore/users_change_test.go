package sqlstore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Instances know of each other by the database alone, and so does a command
// that is run beside the server.
func TestLastAdminFromManyInstances(t *testing.T) {
	onEveryEngine(t, lastAdminFromManyInstances)
	// As MariaDB is from 11.6 on: it refuses to lock what changed since the
	// transaction first read anything, unless that is READ COMMITTED.
	t.Run("MariaDB with snapshot isolation", func(t *testing.T) {
		cfg, err := mysql.ParseDSN(servertest.MariaDB(t))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Params = map[string]string{"innodb_snapshot_isolation": "ON"}
		lastAdminFromManyInstances(t, Config{MySQLDSN: cfg.FormatDSN()})
	})
}

func lastAdminFromManyInstances(t *testing.T, c Config) {
	instances := []*DB{migrated(t, c), openDB(t, c), openDB(t, c)}
	for round := range 5 {
		var run errgroup.Group
		start := make(chan struct{})
		for i := range 6 {
			id := fmt.Sprintf("%d-%d", round, i)
			u := auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleAdmin, Active: true, PasswordHash: "h"}
			if err := instances[0].Create(t.Context(), u, auth.Event{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		var admins []string
		if err := selectAdmins(instances[0].orm, &admins).Error; err != nil {
			t.Fatal(err)
		}
		for i, id := range append(admins, admins...) {
			db, event := instances[i%len(instances)], auth.Event{ID: fmt.Sprintf("gone %d-%d", round, i)}
			run.Go(func() (err error) {
				<-start
				if i%2 == 0 {
					_, err = db.Change(t.Context(), id, auth.UserChange{Active: new(false)}, event)
				} else {
					err = db.Delete(t.Context(), id, event, auth.PendingSync{ID: "settlement " + id, UserID: id})
				}
				if errors.Is(err, auth.ErrLastAdmin) || errors.Is(err, auth.ErrNoUser) {
					return nil
				}
				return err
			})
		}
		close(start)
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
		if err := selectAdmins(instances[0].orm, &admins).Error; err != nil || len(admins) != 1 {
			t.Fatalf("%q are left (%v), want one", admins, err)
		}
	}
}

// What is changed is noted down with its time, and what is not is not written.
func TestChangeNotesWhen(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, c Config) {
		db := migrated(t, c)
		u := auth.User{ID: "id", Email: auth.Email{Address: "a", Key: "a"}, Role: session.RoleUser, PasswordHash: "h"}
		if err := db.Create(t.Context(), u, auth.Event{ID: "1"}); err != nil {
			t.Fatal(err)
		}
		at := func() int64 {
			var r userRow
			if err := db.orm.Take(&r).Error; err != nil {
				t.Fatal(err)
			}
			return r.UpdatedAt
		}
		created := at()
		if _, err := db.Change(t.Context(), "id", auth.UserChange{IfHash: "h"}); err != nil || at() != created {
			t.Errorf("nothing changed, at %d (%v)", at(), err)
		}
		if _, err := db.Change(t.Context(), "id", auth.UserChange{Name: new("N")}); err != nil || at() != db.now().UnixMilli() {
			t.Errorf("changed at %d (%v), want %d", at(), err, db.now().UnixMilli())
		}
	})
}
