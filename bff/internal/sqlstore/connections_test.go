package sqlstore

import (
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// What operators are told to leave space for is what the server has seen.
func TestConnectionsOfAnInstance(t *testing.T) {
	t.Parallel()
	server := servertest.OwnMariaDB(t)
	const pool = 7
	db := openDB(t, Config{MySQLDSN: server.Database(), MaxConnections: pool})
	// The most at once since the start, those of the administrator one at a
	// time before.
	most := func() int {
		t.Helper()
		var name, value string
		if err := db.conn.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Max_used_connections'").Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := db.Reach(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := most(); got > sqlconn.Migrating || got < 2 {
		t.Errorf("%d connections while it migrated, want 2 to %d", got, sqlconn.Migrating)
	}
	// The server counts a connection until it has noticed that it was closed, so a
	// busy machine may show one more than there are; not each time.
	most = func() int {
		t.Helper()
		var counts [10 * pool]int
		var run errgroup.Group
		for i := range counts {
			run.Go(func() error {
				return db.conn.QueryRowContext(t.Context(), "SELECT COUNT(*) + SLEEP(0.05) FROM information_schema.processlist").Scan(&counts[i])
			})
		}
		if err := run.Wait(); err != nil {
			t.Fatal(err)
		}
		return slices.Max(counts[:])
	}
	want, got := sqlconn.Connections(pool), 0
	for tries := 0; tries < 10 && got != want; tries++ {
		got = most()
	}
	if got != want {
		t.Errorf("%d connections under load, want %d", got, want)
	}
	for pool, want := range map[int]int{0: sqlconn.MaxConnections, 2: sqlconn.Migrating, 40: 40} {
		if got := sqlconn.Connections(pool); got != want {
			t.Errorf("a pool of %d: %d connections, want %d", pool, got, want)
		}
	}
}
