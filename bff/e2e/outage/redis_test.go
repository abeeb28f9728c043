package outage

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// wantRedisUnavailable checks the responses of instances while Redis is unreachable
// or read-only: good access tokens work, everything else is 503, and no cookie is
// cleared.
func wantRedisUnavailable(t *testing.T, with site.Tokens, at ...*site.Harness) {
	t.Helper()
	type result struct {
		site.Answer
		err  error
		took time.Duration
	}
	results := make(chan result, 100)
	var all sync.WaitGroup
	ask := func(send func() (site.Answer, error)) {
		all.Go(func() {
			start := time.Now()
			a, err := send()
			results <- result{a, err, time.Since(start)}
		})
	}
	stale := site.Tokens{Refresh: with.Refresh}
	for _, s := range at {
		for _, request := range append(site.RefreshingRequests, [2]string{"POST", "/api/demo/notes"}) {
			ask(func() (site.Answer, error) { return s.Send(request[0], request[1], stale) })
		}
		ask(func() (site.Answer, error) { return s.PostJSON("/api/auth/login", site.Credentials("ada@example.com")) })
		ask(func() (site.Answer, error) {
			ops := *s
			ops.Base = s.Ops
			return ops.Send("GET", "/readyz", site.Tokens{})
		})
	}
	for _, s := range at {
		for range 20 {
			for _, path := range []string{"/api/demo/me", "/api/auth/me", "/dashboard"} {
				if a := s.Get(path, with).Want(t, 200); len(a.Cookies()) != 0 {
					t.Fatalf("%s: cookies %v", path, a.SetCookies())
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
			if r.Want(t, 200); len(r.Cookies()) != 0 {
				t.Errorf("a page cleared cookies while the session store was down: %v", r.SetCookies())
			}
		case "/readyz":
			if r.Want(t, 503); !strings.Contains(r.Text, `"redis"`) || strings.Contains(r.Text, `"mysql"`) {
				t.Errorf("readyz: %s", r.Text)
			}
		default:
			r.WantStoreUnavailable(t)
		}
	}
}

// recovers waits until both instances answer again, without a restart, and
// gives the tokens that come after with. Signing out is heard across.
func recovers(t *testing.T, p site.Pair, with site.Tokens) site.Tokens {
	t.Helper()
	for _, at := range p.Each() {
		var a site.Answer
		at.Eventually("the session to be renewed", func() bool {
			a = at.Post("/api/auth/refresh", site.Tokens{Refresh: with.Refresh})
			if a.StatusCode != 200 {
				a.WantStoreUnavailable(t)
			}
			return a.StatusCode == 200
		})
		next := a.Refreshed(t)
		if was, is := with.Generation(t), next.Generation(t); is != was+1 {
			t.Errorf("generation %d after %d", is, was)
		}
		with = next
		at.Eventually("readiness", func() bool { return at.Browser().Readyz().StatusCode == 200 })
		at.Get("/api/demo/me", with).Want(t, 200)
	}
	leaves := p.A.SignInTokens("ada@example.com")
	p.B.Get("/api/demo/me", leaves).Want(t, 200)
	p.A.Post("/api/auth/logout", leaves).Want(t, 204)
	p.B.Eventually("a sign-out after the outage", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
	return with
}

func TestRedisKilled(t *testing.T) {
	t.Parallel()
	p := site.TwoInstances(t)
	with := p.A.MemberTokens("ada@example.com")
	for range 2 {
		p.A.Redis.Kill()
		wantRedisUnavailable(t, with, p.Each()...)
		p.A.Redis.Start()
		with = recovers(t, p, with)
	}
}

func TestRedisHangs(t *testing.T) {
	t.Parallel()
	p := site.TwoInstances(t)
	with := p.A.MemberTokens("ada@example.com")
	p.A.Redis.Pause()
	wantRedisUnavailable(t, with, p.Each()...)
	p.A.Redis.Resume()
	recovers(t, p, with)
}

// A replica takes reads and refuses writes, with READONLY.
func TestRedisIsAReplica(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	with := p.A.MemberTokens("ada@example.com")
	leaves, late := p.A.SignInTokens("ada@example.com"), p.A.SignInTokens("ada@example.com")
	// A session that has not reached the replica.
	if n, err := look.Del(t.Context(), "refresh:{"+late.Claims(t).User+"}:"+late.Claims(t).Session).Result(); n != 1 || err != nil {
		t.Fatalf("%d sessions deleted, %v", n, err)
	}
	// Of a master that nobody is.
	host, port, _ := net.SplitHostPort(site.FreeAddr(t))
	if err := look.Do(t.Context(), "REPLICAOF", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	wantRedisUnavailable(t, with, p.Each()...)
	for _, at := range p.Each() {
		// A replica's word that a session is not there is not enough.
		at.Post("/api/auth/refresh", late).WantStoreUnavailable(t)
	}
	a := p.A.Post("/api/auth/logout", leaves).Want(t, 503, "session_store_unavailable")
	if c := a.SetCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", c)
	}
	if err := look.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	recovers(t, p, with)
	p.B.Eventually("the sign-out to be carried out", func() bool {
		return p.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401
	})
	for _, gone := range []site.Tokens{late, leaves} {
		p.B.Post("/api/auth/refresh", gone).WantSignedOut(t, "session_revoked")
	}
}

// All keys are deleted: every session ends with cleared cookies, and users can sign
// in again at once.
func TestRedisFlushed(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	with := p.A.MemberTokens("ada@example.com")
	p.A.Post("/api/auth/logout", p.A.SignInTokens("ada@example.com")).Want(t, 204)
	if err := look.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := look.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.A.Clock.Advance(2 * time.Second)
	for _, at := range p.Each() {
		// The ends of sessions went with the sessions: no access token from
		// before can be told from one of an ended session.
		at.Eventually("the loss to be known", func() bool { return at.Get("/api/demo/me", site.Tokens{Access: with.Access}).StatusCode == 401 })
		at.Get("/api/demo/me", with).WantSignedOut(t, "session_revoked")
		for _, request := range site.RefreshingRequests[:3] {
			at.MustSend(request[0], request[1], site.Tokens{Refresh: with.Refresh}).WantSignedOut(t, "session_revoked")
		}
		next := at.SignInTokens("ada@example.com")
		at.Get("/api/demo/me", next).Want(t, 200)
		recovers(t, p, next)
	}
	p.A.Post("/api/auth/logout", with).Want(t, 204)
}
