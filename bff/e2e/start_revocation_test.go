package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// asks puts requests with a cookie of somebody's to a starting instance, until
// they get the status that they should; no other will do.
func (s *site) asks(all *sync.WaitGroup, with tokens, status int, answered func()) {
	for _, path := range []string{"/api/demo/me", "/api/auth/me"} {
		for range 4 {
			all.Go(func() {
				for range 20 {
					a, err := s.ask("GET", path, tokens{access: with.access})
					answered()
					if err == nil && a.StatusCode != status {
						err = fmt.Errorf("%d %s, want %d", a.StatusCode, a.text, status)
					}
					if err != nil {
						s.t.Errorf("%s: %v", path, err)
						return
					}
				}
			})
		}
	}
}

// An instance that starts answers nobody before it has read who has left. It
// used to serve them for a moment: 68 requests in ten starts.
func TestStartingInstanceAnswersWhenItKnowsWhoHasLeft(t *testing.T) {
	t.Parallel()
	a := onServices(t).crowd().start()
	line := wireTo(t, a.redis.Addr())
	stays := a.somebody("ada@example.com")
	var known sync.WaitGroup
	defer known.Wait()
	for range 3 {
		leaves := a.signedIn("ada@example.com")
		a.post("/api/auth/logout", leaves).want(t, 204)
		line.moveTo("")
		b := a.twin("REDIS_URL", line.url)
		early := func() {
			if line.leads() == "" {
				t.Error("it answers before it can know")
			}
		}
		b.asks(&known, leaves, 401, early)
		b.asks(&known, stays, 200, early)
		// Its operators are answered meanwhile.
		ops := *b
		ops.base = b.ops
		for range 3 {
			ops.get("/livez", tokens{}).want(t, 200)
			if ready := ops.get("/readyz", tokens{}).want(t, 503); !strings.Contains(ready.text, `"redis"`) {
				t.Errorf("readyz: %s", ready.text)
			}
		}
		line.moveTo(a.redis.Addr())
		known.Wait()
		b.eventually("readiness", func() bool { return b.browser().ready().StatusCode == 200 })
	}
}

// It does not wait for ever: with Redis away, whoever holds a good access token
// is served all the same, after five seconds, and the log says what that means.
func TestStartingInstanceComesUpWithoutRedis(t *testing.T) {
	t.Parallel()
	p := twoInstances(t)
	with, leaves := p.a.somebody("ada@example.com"), p.a.signedIn("ada@example.com")
	p.b.stop()
	p.a.post("/api/auth/logout", leaves).want(t, 204)
	p.a.redis.Pause()

	// One that is told to stop while it waits does not go on waiting.
	impatient := p.a.twin()
	ops := *impatient
	ops.base = impatient.ops
	ops.get("/livez", tokens{}).want(t, 200)
	start := time.Now()
	impatient.stop()
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if strings.Contains(impatient.logs.String(), "Gatehouse is ready") {
		t.Error("it says that it was ready")
	}

	start = time.Now()
	p.b = p.a.twin()
	p.b.get("/api/demo/me", with).want(t, 200)
	if took := time.Since(start); took < 4*time.Second || took > time.Minute {
		t.Errorf("up after %v, want five seconds", took)
	}
	p.b.get("/api/auth/me", with).want(t, 200)
	p.b.post("/api/auth/refresh", with).unasked(t)
	if n := strings.Count(p.b.logs.String(), "the revocations could not be read"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, p.b.logs)
	}
	p.a.redis.Resume()
	p.b.eventually("what was missed", func() bool { return p.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
	p.recovers(t, with)
}
