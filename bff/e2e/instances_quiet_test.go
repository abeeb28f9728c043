package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// following is what a follower asks Redis for: news, and, when two seconds
// bring none, whether the stream is still there (a script of three commands,
// with which it is trimmed too). Everything else, INFO being this test's own,
// would be on account of somebody's request.
func following(t *testing.T, calls map[string]int) {
	t.Helper()
	looks := calls["evalsha"]
	if looks > calls["xread"] {
		t.Errorf("%d scripts and only %d times news: some are for something else", looks, calls["xread"])
	}
	want := map[string]int{"info": 1}
	for name, n := range map[string]int{"xread": calls["xread"], "evalsha": looks, "exists": looks, "xtrim": looks, "xinfo|stream": looks} {
		if n > 0 {
			want[name] = n
		}
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("commands to Redis (-a follower's +all):\n%s", diff)
	}
}

// A proxied request with a fresh access token costs no command to Redis, nor
// does a page; a stale one costs a renewal.
func TestFreshTokensAskRedisNothing(t *testing.T) {
	p := twoInstances(t)
	look := admin(t, p.a.redis.URL)
	parent := p.a.somebody("ada@example.com")
	p.a.post("/api/auth/logout", p.a.signedIn("ada@example.com")).want(t, 204) // so that there is a stream
	with := p.a.post("/api/auth/refresh", parent).renewed(t)
	p.use(t, with, parent)
	p.b.get("/api/demo/me", with).want(t, 200) // its receipt, at the other one, finds that it is written

	quiet := func() bool { // what came before has run its course
		before := commands(t, look)
		for range 20 {
			p.b.get("/healthz", tokens{}).want(t, 200)
		}
		more := since(before, commands(t, look))
		return more["get"]+more["set"] == 0
	}
	p.a.eventually("Redis to be quiet", quiet)
	before, start := commands(t, look), time.Now()
	for i := range 250 {
		for _, at := range p.each() {
			path := []string{"/api/demo/me", "/api/demo/me", "/api/auth/me", "/dashboard"}[i%4]
			if a := at.get(path, with).want(t, 200); len(a.Cookies()) != 0 {
				t.Fatalf("cookies %v", a.setCookies())
			}
		}
	}
	calls := since(before, commands(t, look))
	following(t, calls)
	// Each of the two followers asks once in two seconds, and may be early once.
	if most := 2 * int(time.Since(start)/(2*time.Second)+2); calls["xread"] > most {
		t.Errorf("%d times news in %v, want at most %d", calls["xread"], time.Since(start), most)
	}

	p.a.clock.Advance(16 * time.Minute)
	before = commands(t, look)
	p.a.get("/api/auth/me", with).renewed(t)
	if calls := since(before, commands(t, look)); calls["get"] == 0 || calls["zadd"] != 1 {
		t.Errorf("a renewal reads and writes: %v", calls)
	}
}
