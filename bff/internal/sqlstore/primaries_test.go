package sqlstore

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlchecks"
)

// On three primaries each transaction is checked against the other nodes' when
// it commits, and not before.
func TestSeveralPrimaries(t *testing.T) {
	cluster := servertest.Galera(t, 3)
	t.Run("three migrate at once", func(t *testing.T) { migrateOnSeveralPrimaries(t, cluster) })
	t.Run("the last administrator", func(t *testing.T) { lastAdminOnSeveralPrimaries(t, cluster) })
	t.Run("what was just written", func(t *testing.T) { readAtOnceOnSeveralPrimaries(t, cluster) })
	t.Run("conflicts at commit", func(t *testing.T) { conflictsOnSeveralPrimaries(t, cluster) })
	t.Run("a check of the settings", func(t *testing.T) { checkOnSeveralPrimaries(t, cluster) })
}

func openNodes(t *testing.T, cluster *servertest.GaleraHandle) (nodes []*DB) {
	for _, dsn := range cluster.Database() {
		nodes = append(nodes, openDB(t, Config{MySQLDSN: dsn + "?wsrep_sync_wait=1"}))
	}
	return nodes
}

// Two of three failed: GET_LOCK is known on its own node alone.
func migrateOnSeveralPrimaries(t *testing.T, cluster *servertest.GaleraHandle) {
	for range 3 {
		nodes := openNodes(t, cluster)
		var run errgroup.Group
		start := make(chan struct{})
		for _, db := range nodes {
			if err := db.Reach(t.Context()); err != nil {
				t.Fatal(err)
			}
			run.Go(func() error {
				<-start
				return db.Migrate(t.Context())
			})
		}
		close(start)
		if err := run.Wait(); err != nil {
			t.Fatal(err)
		}
		for i, db := range nodes {
			if err := db.Append(t.Context(), auth.Event{ID: fmt.Sprint(i)}); err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
	}
}

// Two administrators who demoted each other at the same moment left none, 25 of
// 60 times.
func lastAdminOnSeveralPrimaries(t *testing.T, cluster *servertest.GaleraHandle) {
	nodes := openNodes(t, cluster)
	if err := nodes[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for round := range 30 {
		var run errgroup.Group
		start := make(chan struct{})
		for i := range 2 {
			id := fmt.Sprintf("%d-%d", round, i)
			u := auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleAdmin, Active: true, PasswordHash: "h"}
			if err := nodes[0].Create(t.Context(), u, auth.Event{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		var admins []string
		if err := selectAdmins(nodes[0].orm, &admins).Error; err != nil {
			t.Fatal(err)
		}
		for i, id := range admins {
			run.Go(func() error {
				<-start
				_, err := nodes[i%2].Change(t.Context(), id, auth.UserChange{Role: new(session.RoleUser)}, auth.Event{ID: fmt.Sprintf("gone %d-%d", round, i)})
				if errors.Is(err, auth.ErrLastAdmin) {
					return nil
				}
				return err
			})
		}
		close(start)
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
		if err := selectAdmins(nodes[2].orm, &admins).Error; err != nil || len(admins) != 1 {
			t.Fatalf("round %d: %q are left (%v), want one", round, admins, err)
		}
	}
}

// A sign-in at another node right after the sign-up was refused, 12 of 80 times;
// wsrep_sync_wait=1, which operations.md asks for, has the node catch up first.
func readAtOnceOnSeveralPrimaries(t *testing.T, cluster *servertest.GaleraHandle) {
	nodes := openNodes(t, cluster)
	if err := nodes[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		id := fmt.Sprint(i)
		u := auth.User{ID: id, Email: auth.Email{Address: id, Key: id}, Role: session.RoleUser, Active: true, PasswordHash: "h"}
		if err := nodes[i%3].Create(t.Context(), u, auth.Event{ID: id}); err != nil {
			t.Fatal(err)
		}
		if _, err := nodes[(i+1)%3].ByEmail(t.Context(), id); err != nil {
			t.Errorf("account %d at the next node: %v", i, err)
		}
	}
}

// 40 of 900 changes ended as 503: what was undone at COMMIT was tried again four
// times, at once.
func conflictsOnSeveralPrimaries(t *testing.T, cluster *servertest.GaleraHandle) {
	nodes := openNodes(t, cluster)
	if err := nodes[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	u := auth.User{ID: "u", Email: auth.Email{Address: "u", Key: "u"}, Role: session.RoleUser, Active: true, PasswordHash: "h"}
	if err := nodes[0].Create(t.Context(), u, auth.Event{ID: "created"}); err != nil {
		t.Fatal(err)
	}
	var run errgroup.Group
	for i := range 18 {
		run.Go(func() error {
			for j := range 25 {
				_, err := nodes[i%3].Change(t.Context(), "u", auth.UserChange{Name: new(fmt.Sprint(i, j))}, auth.Event{ID: fmt.Sprint(i, " ", j)})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	for i, db := range nodes {
		if n := len((readable{db}).Events(t)); n != 18*25+1 {
			t.Errorf("node %d has %d events, want %d: each change with its own", i, n, 18*25+1)
		}
	}
}

func checkOnSeveralPrimaries(t *testing.T, cluster *servertest.GaleraHandle) {
	dsn := cluster.Database()[0]
	for parameters, want := range map[string][3]string{
		"?wsrep_sync_wait=1": {"mysql.cluster", "ok", "Galera, 3 nodes, Synced, wsrep_sync_wait 1"},
		"":                   {"mysql.cluster", "warning", "Put wsrep_sync_wait=1 into MYSQL_DSN"},
	} {
		wants(t, examine(t, openDB(t, Config{MySQLDSN: dsn + parameters, Now: time.Now}), sqlchecks.Options{}), want)
	}
}
