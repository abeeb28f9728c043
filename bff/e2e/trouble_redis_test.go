package e2e

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// cannotAsk checks what instances say while Redis cannot be asked, or not be
// written to: they go on for whoever holds a good access token, have no answer
// about anybody else, and take no cookie from anybody.
func cannotAsk(t *testing.T, with tokens, at ...*site) {
	t.Helper()
	type result struct {
		answer
		err  error
		took time.Duration
	}
	results := make(chan result, 100)
	var all sync.WaitGroup
	ask := func(send func() (answer, error)) {
		all.Go(func() {
			start := time.Now()
			a, err := send()
			results <- result{a, err, time.Since(start)}
		})
	}
	stale := tokens{refresh: with.refresh}
	for _, s := range at {
		for _, request := range append(tabRequests, [2]string{"POST", "/api/demo/notes"}) {
			ask(func() (answer, error) { return s.ask(request[0], request[1], stale) })
		}
		ask(func() (answer, error) { return s.tell("/api/auth/login", credentials("ada@example.com")) })
		ask(func() (answer, error) {
			ops := *s
			ops.base = s.ops
			return ops.ask("GET", "/readyz", tokens{})
		})
	}
	for _, s := range at {
		for range 20 {
			for _, path := range []string{"/api/demo/me", "/api/auth/me", "/dashboard"} {
				if a := s.get(path, with).want(t, 200); len(a.Cookies()) != 0 {
					t.Fatalf("%s: cookies %v", path, a.setCookies())
				}
			}
		}
	}
	all.Wait()
	close(results)
	for r := range results {
		if r.err != nil {
			t.Fatal(r.err)
		}
		if r.took > 20*time.Second { // two or three on a machine that is not busy
			t.Errorf("%s took %v to say that there is no answer", r.Request.URL, r.took)
		}
		switch r.Request.URL.Path {
		case "/dashboard":
			if r.want(t, 200); len(r.Cookies()) != 0 {
				t.Errorf("a page cleared cookies while nobody could be asked: %v", r.setCookies())
			}
		case "/readyz":
			if r.want(t, 503); !strings.Contains(r.text, `"redis"`) || strings.Contains(r.text, `"mysql"`) {
				t.Errorf("readyz: %s", r.text)
			}
		default:
			r.unasked(t)
		}
	}
}

// recovers waits until both instances answer again, without a restart, and
// gives the tokens that come after with. Signing out is heard across.
func (p pair) recovers(t *testing.T, with tokens) tokens {
	t.Helper()
	for _, at := range p.each() {
		var a answer
		at.eventually("the session to be renewed", func() bool {
			a = at.post("/api/auth/refresh", tokens{refresh: with.refresh})
			if a.StatusCode != 200 {
				a.unasked(t)
			}
			return a.StatusCode == 200
		})
		next := a.renewed(t)
		if was, is := with.generation(t), next.generation(t); is != was+1 {
			t.Errorf("generation %d after %d", is, was)
		}
		with = next
		at.eventually("readiness", func() bool { return at.browser().ready().StatusCode == 200 })
		at.get("/api/demo/me", with).want(t, 200)
	}
	leaves := p.a.signedIn("ada@example.com")
	p.b.get("/api/demo/me", leaves).want(t, 200)
	p.a.post("/api/auth/logout", leaves).want(t, 204)
	p.b.eventually("a sign-out after the outage", func() bool { return p.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
	return with
}

func TestRedisKilled(t *testing.T) {
	t.Parallel()
	p := twoInstances(t)
	with := p.a.somebody("ada@example.com")
	for range 2 {
		p.a.redis.Kill()
		cannotAsk(t, with, p.each()...)
		p.a.redis.Start()
		with = p.recovers(t, with)
	}
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	p := twoInstances(t)
	with := p.a.somebody("ada@example.com")
	p.a.redis.Pause()
	cannotAsk(t, with, p.each()...)
	p.a.redis.Resume()
	p.recovers(t, with)
}

// A replica takes reads and refuses writes, with READONLY.
func TestRedisIsAReplica(t *testing.T) {
	p := twoInstances(t)
	look := admin(t, p.a.redis.URL)
	with := p.a.somebody("ada@example.com")
	leaves, late := p.a.signedIn("ada@example.com"), p.a.signedIn("ada@example.com")
	// A session that has not reached the replica.
	if n, err := look.Del(t.Context(), "refresh:{"+late.claims(t).User+"}:"+late.claims(t).Session).Result(); n != 1 || err != nil {
		t.Fatalf("%d sessions deleted, %v", n, err)
	}
	// Of a master that nobody is.
	host, port, _ := net.SplitHostPort(freeAddr(t))
	if err := look.Do(t.Context(), "REPLICAOF", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	cannotAsk(t, with, p.each()...)
	for _, at := range p.each() {
		// A replica's word that a session is not there is not enough.
		at.post("/api/auth/refresh", late).unasked(t)
	}
	a := p.a.post("/api/auth/logout", leaves).want(t, 503, "session_store_unavailable")
	if c := a.setCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", c)
	}
	if err := look.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	p.recovers(t, with)
	p.b.eventually("the sign-out to be carried out", func() bool {
		return p.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401
	})
	for _, gone := range []tokens{late, leaves} {
		p.b.post("/api/auth/refresh", gone).keptOut(t, "session_revoked")
	}
}

// Everything is gone: everybody signs in again, cleanly and at once.
func TestRedisFlushed(t *testing.T) {
	p := twoInstances(t)
	look := admin(t, p.a.redis.URL)
	with := p.a.somebody("ada@example.com")
	p.a.post("/api/auth/logout", p.a.signedIn("ada@example.com")).want(t, 204)
	if err := look.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := look.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.a.clock.Advance(2 * time.Second)
	for _, at := range p.each() {
		// The ends of sessions went with the sessions: no access token from
		// before can be told from one of an ended session.
		at.eventually("the loss to be known", func() bool { return at.get("/api/demo/me", tokens{access: with.access}).StatusCode == 401 })
		at.get("/api/demo/me", with).keptOut(t, "session_revoked")
		for _, request := range tabRequests[:3] {
			at.sent(request[0], request[1], tokens{refresh: with.refresh}).keptOut(t, "session_revoked")
		}
		next := at.signedIn("ada@example.com")
		at.get("/api/demo/me", next).want(t, 200)
		p.recovers(t, next)
	}
	p.a.post("/api/auth/logout", with).want(t, 204)
}
