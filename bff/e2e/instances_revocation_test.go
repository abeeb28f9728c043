package e2e

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// busy has members send proxied requests to an instance until the returned
// function is called, which gives how many were served. Nobody of them may
// notice anything.
func (s *site) busy(members []tokens) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var served atomic.Int64
	for _, with := range members {
		all.Go(func() {
			for ctx.Err() == nil {
				switch a, err := s.ask("GET", "/api/demo/me", with); {
				case err != nil:
					s.t.Errorf("a bystander: %v", err)
					return
				case a.StatusCode != 200 || len(a.Cookies()) != 0:
					s.t.Errorf("a bystander was told %d %s, cookies %v", a.StatusCode, a.text, a.setCookies())
					return
				}
				served.Add(1)
			}
		})
	}
	return func() int { cancel(); all.Wait(); return int(served.Load()) }
}

// Signing out at one instance ends unexpired access tokens at the other, while
// that one is busy. How soon is logged; only that it is soon is asserted.
func TestSignOutReachesTheOtherInstance(t *testing.T) {
	const most, enough, budget = 300, 30, 3 * time.Second
	p := twoInstances(t)
	p.a.somebody("ada@example.com")
	var members []tokens
	for range 8 {
		members = append(members, p.a.signedIn("ada@example.com"))
	}
	stop := p.b.busy(members)
	defer stop()
	var took []time.Duration
	for began := time.Now(); len(took) < most && (len(took) < enough || time.Since(began) < budget); {
		with := p.a.signedIn("ada@example.com")
		access := tokens{access: with.access}
		p.b.get("/api/demo/me", access).want(t, 200)
		p.a.post("/api/auth/logout", with).want(t, 204)
		start := time.Now()
		for {
			a := p.b.get("/api/demo/me", access)
			if a.StatusCode == 401 {
				took = append(took, time.Since(start))
				a.keptOut(t, "session_revoked")
				break
			}
			a.want(t, 200)
			if time.Since(start) > time.Minute {
				t.Fatal("an ended session is served a minute later")
			}
		}
	}
	served := stop()
	slices.Sort(took)
	n := len(took)
	t.Logf("from sign-out's answer to the first 401 elsewhere, %d times: p50 %v, p99 %v, worst %v; %d requests of bystanders served meanwhile",
		n, took[n/2], took[n*99/100], took[n-1], served)
}

// What an instance does not hear because its line to Redis is cut it hears
// when it has one again.
func TestRevocationsMissedAreReplayed(t *testing.T) {
	a := onServices(t).crowd().start()
	line := wireTo(t, a.redis.Addr())
	p := pair{a, a.twin("REDIS_URL", line.url)}
	stays := p.a.somebody("ada@example.com")
	var leave []tokens
	for range 20 {
		leave = append(leave, p.a.signedIn("ada@example.com"))
	}
	line.moveTo("")
	for _, with := range leave {
		p.a.post("/api/auth/logout", with).want(t, 204)
	}
	// Nobody can have told it: what follows is replayed.
	for _, with := range leave {
		p.b.get("/api/demo/me", tokens{access: with.access}).want(t, 200)
	}
	line.moveTo(a.redis.Addr())
	for _, with := range leave {
		p.b.eventually("what was missed", func() bool { return p.b.get("/api/demo/me", tokens{access: with.access}).StatusCode == 401 })
	}
	p.b.get("/api/demo/me", tokens{access: stays.access}).want(t, 200)
}

// An operator, or a proxy's idle timeout, cuts every connection, again and
// again, while people sign out.
func TestRevocationsSurviveKilledConnections(t *testing.T) {
	p := twoInstances(t)
	look := admin(t, p.a.redis.URL)
	stays := p.a.somebody("ada@example.com")
	for range 25 {
		with := p.a.signedIn("ada@example.com")
		p.b.get("/api/demo/me", tokens{access: with.access}).want(t, 200)
		if err := look.ClientKillByFilter(t.Context(), "TYPE", "normal").Err(); err != nil {
			t.Fatal(err)
		}
		if a := p.a.post("/api/auth/logout", with); a.StatusCode != 204 {
			a.want(t, 503, "session_store_unavailable") // and is tried again
		}
		p.b.eventually("the end of the session", func() bool { return p.b.get("/api/demo/me", tokens{access: with.access}).StatusCode == 401 })
	}
	p.b.get("/api/demo/me", stays).want(t, 200)
}

// An instance that starts hears of what has ended within an access token's
// life; and the stream keeps little more than that.
func TestRestartedInstanceKnowsWhoHasLeft(t *testing.T) {
	p := twoInstances(t)
	look := admin(t, p.a.redis.URL)
	stays := p.a.somebody("ada@example.com")
	with := p.a.signedIn("ada@example.com")
	p.b.stop()
	p.a.post("/api/auth/logout", with).want(t, 204)
	p.a.clock.Advance(10 * time.Minute)
	p.b = p.a.twin()
	p.b.get("/api/demo/me", tokens{access: with.access}).keptOut(t, "session_revoked") // the very first request
	p.b.get("/api/demo/me", tokens{access: stays.access}).want(t, 200)

	// One sign-out a minute, for two and a half hours.
	for range 150 {
		p.a.clock.Advance(time.Minute)
		p.a.post("/api/auth/logout", p.a.signedIn("ada@example.com")).want(t, 204)
	}
	entries, err := look.XLen(t.Context(), "revocations").Result()
	if err != nil {
		t.Fatal(err)
	}
	// 15 minutes, and a minute twice over for clocks that differ; Redis drops
	// a hundred at a time.
	if entries < 15 || entries > 18+100 {
		t.Errorf("the stream has %d entries, of one a minute", entries)
	}
}
