package instances

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
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
func TestFreshTokensCostNoRedisCommand(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	parent := p.A.MemberTokens("ada@example.com")
	p.A.Post("/api/auth/logout", p.A.SignInTokens("ada@example.com")).Want(t, 204) // so that there is a stream
	with := p.A.Post("/api/auth/refresh", parent).Refreshed(t)
	p.Acknowledge(t, with, parent)
	p.B.Get("/api/demo/me", with).Want(t, 200) // its receipt, at the other one, finds that it is written

	quiet := func() bool { // what came before has run its course
		before := site.RedisCommands(t, look)
		for range 20 {
			p.B.Get("/healthz", site.Tokens{}).Want(t, 200)
		}
		more := site.CommandsSince(before, site.RedisCommands(t, look))
		return more["get"]+more["set"] == 0
	}
	p.A.Eventually("Redis to be quiet", quiet)
	before, start := site.RedisCommands(t, look), time.Now()
	for i := range 250 {
		for _, at := range p.Each() {
			path := []string{"/api/demo/me", "/api/demo/me", "/api/auth/me", "/dashboard"}[i%4]
			if a := at.Get(path, with).Want(t, 200); len(a.Cookies()) != 0 {
				t.Fatalf("cookies %v", a.SetCookies())
			}
		}
	}
	calls := site.CommandsSince(before, site.RedisCommands(t, look))
	following(t, calls)
	// Each of the two followers asks once in two seconds, and may be early once.
	if most := 2 * int(time.Since(start)/(2*time.Second)+2); calls["xread"] > most {
		t.Errorf("%d times news in %v, want at most %d", calls["xread"], time.Since(start), most)
	}

	p.A.Clock.Advance(16 * time.Minute)
	before = site.RedisCommands(t, look)
	p.A.Get("/api/auth/me", with).Refreshed(t)
	if calls := site.CommandsSince(before, site.RedisCommands(t, look)); calls["get"] == 0 || calls["zadd"] != 1 {
		t.Errorf("a renewal reads and writes: %v", calls)
	}
}
