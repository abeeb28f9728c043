package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// failover is two instances whose one address for Redis moves from a master to
// its replica.
type failover struct {
	pair
	line            *wire
	master, replica *servertest.RedisHandle
}

func withReplica(t *testing.T) *failover {
	t.Helper()
	s := onServices(t).crowd()
	f := &failover{master: s.redis, replica: servertest.Redis(t), line: wireTo(t, s.redis.Addr())}
	// By default a master waits five seconds for further replicas, and at its
	// end for those it has.
	if err := admin(t, f.master.URL).ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.master.Kill)
	t.Cleanup(f.replica.Kill)
	host, port, _ := net.SplitHostPort(f.master.Addr())
	f.do(t, f.replica, "REPLICAOF", host, port)
	s.env["REDIS_URL"] = f.line.url
	f.a = s.start()
	f.b = f.a.twin()
	return f
}

func (f *failover) do(t *testing.T, at *servertest.RedisHandle, args ...any) {
	t.Helper()
	if err := admin(t, at.URL).Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// caughtUp waits until the replica has all that the master has.
func (f *failover) caughtUp(t *testing.T) {
	t.Helper()
	position := func(at *servertest.RedisHandle, name string) string {
		text, err := admin(t, at.URL).Info(t.Context(), "replication").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, name+":")
		value, _, _ := strings.Cut(rest, "\r\n")
		return value
	}
	f.a.eventually("the replica to catch up", func() bool {
		there := position(f.master, "master_repl_offset")
		return position(f.replica, "master_link_status") == "up" && position(f.replica, "slave_repl_offset") == there
	})
}

// The master dies, its address leads to the replica, and some time later that
// is told to take over. Nobody is signed out at any point.
func TestRedisFailsOver(t *testing.T) {
	f := withReplica(t)
	with := f.a.somebody("ada@example.com")
	f.caughtUp(t)
	f.master.Kill()
	cannotAsk(t, with, f.a, f.b)
	f.line.moveTo(f.replica.Addr())
	cannotAsk(t, with, f.a, f.b)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE")
	f.recovers(t, with)
}

// A replica that takes over may lack its master's last writes. What browsers
// hold is newer than its records then, and that is neither a theft nor an end.
func TestRedisFailsOverToAReplicaThatLagged(t *testing.T) {
	f := withReplica(t)
	first := f.a.somebody("ada@example.com")
	stays, leaves := f.a.signedIn("ada@example.com"), f.a.signedIn("ada@example.com")
	f.caughtUp(t)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE") // and hears of nothing from here on
	second := f.a.post("/api/auth/refresh", first).renewed(t)
	third := f.b.post("/api/auth/refresh", second).renewed(t)
	f.use(t, third, second)
	lost := f.a.signedIn("ada@example.com")
	f.a.post("/api/auth/logout", leaves).want(t, 204)
	f.b.eventually("the sign-out", func() bool { return f.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
	f.master.Kill()
	f.line.moveTo(f.replica.Addr())
	for _, at := range f.each() {
		at.eventually("the replica to answer", func() bool { return at.browser().ready().StatusCode == 200 })
		at.get("/api/demo/me", third).want(t, 200)
		// The replica has this one still; the instances know better.
		at.post("/api/auth/refresh", leaves).keptOut(t, "session_revoked")
	}
	// In the same second the same token would be minted again, rightly.
	f.a.clock.Advance(16 * time.Minute)
	fourth := f.a.get("/api/demo/me", third).renewed(t)
	if g := fourth.generation(t); g != 4 {
		t.Errorf("generation %d after 3", g)
	}
	f.b.get("/api/demo/me", fourth).want(t, 200)
	f.b.get("/api/demo/me", stays).renewed(t)
	f.b.get("/api/auth/me", lost).keptOut(t, "session_revoked") // there is nothing to renew
	f.recovers(t, fourth)
}

// The same for a store that has lost one renewal: its answer must be the child
// of what is presented, at whichever instance, for every tab.
func TestTabsAfterAFailoverThatLostARenewal(t *testing.T) {
	f := withReplica(t)
	first := f.a.somebody("ada@example.com")
	f.caughtUp(t)
	f.do(t, f.replica, "REPLICAOF", "NO", "ONE")
	second := f.a.post("/api/auth/refresh", first).renewed(t)
	f.use(t, second, first)
	f.master.Kill()
	f.line.moveTo(f.replica.Addr())
	f.a.clock.Advance(16 * time.Minute)
	var third tokens
	for i := range 6 {
		at := f.each()[i%2]
		at.eventually("the replica to answer", func() bool { return at.browser().ready().StatusCode == 200 })
		got := at.get("/api/auth/me", second).renewed(t)
		if third == (tokens{}) {
			third = got
		}
		if got != third {
			t.Fatalf("answer %d brought another child", i)
		}
	}
	f.recovers(t, third)
}
