package outage

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// sendWhileStarting puts requests with a cookie of somebody's to a starting instance, until
// they get the status that they should; no other will do.
func sendWhileStarting(s *site.Harness, all *sync.WaitGroup, with site.Tokens, status int, answered func()) {
	for _, path := range []string{"/api/demo/me", "/api/auth/me"} {
		for range 4 {
			all.Go(func() {
				for range 20 {
					a, err := s.Send("GET", path, site.Tokens{Access: with.Access})
					answered()
					if err == nil && a.StatusCode != status {
						err = fmt.Errorf("%d %s, want %d", a.StatusCode, a.Text, status)
					}
					if err != nil {
						s.T.Errorf("%s: %v", path, err)
						return
					}
				}
			})
		}
	}
}

// An instance that starts answers nobody before it has read who has left. It
// used to serve them for a moment: 68 requests in ten starts.
func TestStartingInstanceAnswersAfterReadingTheRevocations(t *testing.T) {
	t.Parallel()
	a := site.OnServices(t).TrustLoopback().Start()
	line := site.NewWire(t, a.Redis.Addr())
	stays := a.MemberTokens("ada@example.com")
	var known sync.WaitGroup
	defer known.Wait()
	for range 3 {
		leaves := a.SignInTokens("ada@example.com")
		a.Post("/api/auth/logout", leaves).Want(t, 204)
		line.MoveTo("")
		b := a.Twin("REDIS_URL", line.URL)
		early := func() {
			if line.Target() == "" {
				t.Error("it answers before it can know")
			}
		}
		sendWhileStarting(b, &known, leaves, 401, early)
		sendWhileStarting(b, &known, stays, 200, early)
		// Its operators are answered meanwhile.
		ops := *b
		ops.Base = b.Ops
		for range 3 {
			ops.Get("/livez", site.Tokens{}).Want(t, 200)
			if ready := ops.Get("/readyz", site.Tokens{}).Want(t, 503); !strings.Contains(ready.Text, `"redis"`) {
				t.Errorf("readyz: %s", ready.Text)
			}
		}
		line.MoveTo(a.Redis.Addr())
		known.Wait()
		b.Eventually("readiness", func() bool { return b.Browser().Readyz().StatusCode == 200 })
	}
}

// It does not wait for ever: with Redis away, whoever holds a good access token
// is served all the same, after five seconds, and the log says what that means.
func TestStartingInstanceComesUpWithoutRedis(t *testing.T) {
	t.Parallel()
	p := site.TwoInstances(t)
	with, leaves := p.A.MemberTokens("ada@example.com"), p.A.SignInTokens("ada@example.com")
	p.B.Stop()
	p.A.Post("/api/auth/logout", leaves).Want(t, 204)
	p.A.Redis.Pause()

	// One that is told to stop while it waits does not go on waiting.
	impatient := p.A.Twin()
	ops := *impatient
	ops.Base = impatient.Ops
	ops.Get("/livez", site.Tokens{}).Want(t, 200)
	start := time.Now()
	impatient.Stop()
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if strings.Contains(impatient.Logs.String(), "Gatehouse is ready") {
		t.Error("it says that it was ready")
	}

	start = time.Now()
	p.B = p.A.Twin()
	p.B.Get("/api/demo/me", with).Want(t, 200)
	if took := time.Since(start); took < 4*time.Second || took > time.Minute {
		t.Errorf("up after %v, want five seconds", took)
	}
	p.B.Get("/api/auth/me", with).Want(t, 200)
	p.B.Post("/api/auth/refresh", with).WantStoreUnavailable(t)
	if n := strings.Count(p.B.Logs.String(), "the revocations could not be read"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, p.B.Logs)
	}
	p.A.Redis.Resume()
	p.B.Eventually("what was missed", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
	recovers(t, p, with)
}
