package outage

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// failover is two instances whose one address for Redis moves from a master to
// its replica.
type failover struct {
	site.Pair
	line            *site.Wire
	master, replica *servertest.RedisHandle
}

func withReplica(t *testing.T) *failover {
	t.Helper()
	s := site.OnServices(t).TrustLoopback()
	f := &failover{master: s.Redis, replica: servertest.Redis(t), line: site.NewWire(t, s.Redis.Addr())}
	// By default a master waits five seconds for further replicas, and at its
	// end for those it has.
	if err := site.RedisClient(t, f.master.URL).ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.master.Kill)
	t.Cleanup(f.replica.Kill)
	host, port, _ := net.SplitHostPort(f.master.Addr())
	f.do(t, f.replica, "REPLICAOF", host, port)
	s.Env["REDIS_URL"] = f.line.URL
	f.A = s.Start()
	f.B = f.A.Twin()
	return f
}

func (f *failover) do(t *testing.T, at *servertest.RedisHandle, args ...any) {
	t.Helper()
	if err := site.RedisClient(t, at.URL).Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// caughtUp waits until the replica has all that the master has.
func (f *failover) caughtUp(t *testing.T) {
	t.Helper()
	position := func(at *servertest.RedisHandle, name string) string {
		text, err := site.RedisClient(t, at.URL).Info(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, name+":")
		value, _, _ := strings.Cut(rest, "\r\n")
		return value
	}
	f.A.Eventually("the replica to catch up", func() bool {
		there := position(f.master, "master_repl_offset")
		return position(f.replica, "master_link_status") == "up" && position(f.replica, "slave_repl_offset") == there
	})
}

// The master dies, its address leads to the replica, and some time later that
// is told to take over. Nobody is signed out at any point.
func TestRedisFailsOver(t *testing.T) {
	f := withReplica(t)
	with := f.A.MemberTokens("ada@example.com")
	f.caughtUp(t)
	f.master.Kill()
	wantRedisUnavailable(t, with, f.A, f.B)
	f.line.MoveTo(f.replica.Addr())
	wantRedisUnavailable(t, with, f.A, f.B)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE")
	recovers(t, f.Pair, with)
}

// A replica that takes over may lack its master's last writes. What browsers
// hold is newer than its records then, and that is neither a theft nor an end.
func TestRedisFailsOverToAReplicaThatLagged(t *testing.T) {
	f := withReplica(t)
	first := f.A.MemberTokens("ada@example.com")
	stays, leaves := f.A.SignInTokens("ada@example.com"), f.A.SignInTokens("ada@example.com")
	f.caughtUp(t)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE") // and hears of nothing from here on
	second := f.A.Post("/api/auth/refresh", first).Refreshed(t)
	third := f.B.Post("/api/auth/refresh", second).Refreshed(t)
	f.Acknowledge(t, third, second)
	lost := f.A.SignInTokens("ada@example.com")
	f.A.Post("/api/auth/logout", leaves).Want(t, 204)
	f.B.Eventually("the sign-out", func() bool { return f.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
	f.master.Kill()
	f.line.MoveTo(f.replica.Addr())
	for _, at := range f.Each() {
		at.Eventually("the replica to answer", func() bool { return at.Browser().Readyz().StatusCode == 200 })
		at.Get("/api/demo/me", third).Want(t, 200)
		// The replica has this one still; the instances know better.
		at.Post("/api/auth/refresh", leaves).WantSignedOut(t, "session_revoked")
	}
	// In the same second the same token would be minted again, rightly.
	f.A.Clock.Advance(16 * time.Minute)
	fourth := f.A.Get("/api/demo/me", third).Refreshed(t)
	if g := fourth.Generation(t); g != 4 {
		t.Errorf("generation %d after 3", g)
	}
	f.B.Get("/api/demo/me", fourth).Want(t, 200)
	f.B.Get("/api/demo/me", stays).Refreshed(t)
	f.B.Get("/api/auth/me", lost).WantSignedOut(t, "session_revoked") // there is nothing to renew
	recovers(t, f.Pair, fourth)
}

// The same for a store that has lost one renewal: its answer must be the child
// of what is presented, at whichever instance, for every tab.
func TestTabsAfterAFailoverThatLostARefresh(t *testing.T) {
	f := withReplica(t)
	first := f.A.MemberTokens("ada@example.com")
	f.caughtUp(t)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE")
	second := f.A.Post("/api/auth/refresh", first).Refreshed(t)
	f.Acknowledge(t, second, first)
	f.master.Kill()
	f.line.MoveTo(f.replica.Addr())
	f.A.Clock.Advance(16 * time.Minute)
	var third site.Tokens
	for i := range 6 {
		at := f.Each()[i%2]
		at.Eventually("the replica to answer", func() bool { return at.Browser().Readyz().StatusCode == 200 })
		got := at.Get("/api/auth/me", second).Refreshed(t)
		if third == (site.Tokens{}) {
			third = got
		}
		if got != third {
			t.Fatalf("answer %d brought another child", i)
		}
	}
	recovers(t, f.Pair, third)
}
