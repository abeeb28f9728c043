package redisstore_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// Sentinel moves the sessions to a replica; nobody is told that a session is
// gone, and followers go on.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	servers := servertest.Sentinel(t)
	s := open(t, servers.URL, time.Now)
	x := typical("u", "s", time.Now())
	create(t, s, x)
	f := sessiontest.Subscribe(t, s, time.Hour)
	before := revocation(typical("u", "before", time.Now()), time.Now())
	must(t, s.End(t.Context(), before))
	f.Expect(t, before)
	servers.CatchUp()

	servers.Master.Kill()
	down := time.Now()
	eventually(t, "the replica has taken over", func() error {
		if _, err := s.Get(t.Context(), "u", "s"); err != nil {
			if errors.Is(err, session.ErrNoSession) {
				t.Fatal("told that the session is gone, during a failover")
			}
			return err
		}
		return s.Swap(t.Context(), x, x)
	})
	t.Logf("away for %v", time.Since(down))
	after := revocation(x, time.Now())
	must(t, s.End(t.Context(), after))
	f.Expect(t, after)
}

// replicate makes one server the replica of the other and gives a client of it.
func replicate(t *testing.T, master, replica *servertest.RedisHandle) *redis.Client {
	t.Helper()
	// By default a master waits five seconds for further replicas, and at its
	// end for those it has.
	must(t, raw(t, master.URL).ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err())
	t.Cleanup(master.Kill)
	t.Cleanup(replica.Kill)
	host, port, _ := net.SplitHostPort(master.Addr())
	c := raw(t, replica.URL)
	must(t, c.Do(t.Context(), "REPLICAOF", host, port).Err())
	return c
}
