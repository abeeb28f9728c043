package instances

import (
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Signing out at one instance ends unexpired access tokens at the other, while
// that one is busy. How soon is logged; only that it is soon is asserted.
func TestSignOutReachesTheOtherInstance(t *testing.T) {
	const most, enough, budget = 300, 30, 3 * time.Second
	p := site.TwoInstances(t)
	p.A.MemberTokens("ada@example.com")
	var members []site.Tokens
	for range 8 {
		members = append(members, p.A.SignInTokens("ada@example.com"))
	}
	stop := p.B.KeepBusy(members)
	defer stop()
	var took []time.Duration
	for began := time.Now(); len(took) < most && (len(took) < enough || time.Since(began) < budget); {
		with := p.A.SignInTokens("ada@example.com")
		access := site.Tokens{Access: with.Access}
		p.B.Get("/api/demo/me", access).Want(t, 200)
		p.A.Post("/api/auth/logout", with).Want(t, 204)
		start := time.Now()
		for {
			a := p.B.Get("/api/demo/me", access)
			if a.StatusCode == 401 {
				took = append(took, time.Since(start))
				a.WantSignedOut(t, "session_revoked")
				break
			}
			a.Want(t, 200)
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
	a := site.OnServices(t).TrustLoopback().Start()
	line := site.NewWire(t, a.Redis.Addr())
	p := site.Pair{A: a, B: a.Twin("REDIS_URL", line.URL)}
	stays := p.A.MemberTokens("ada@example.com")
	var leave []site.Tokens
	for range 20 {
		leave = append(leave, p.A.SignInTokens("ada@example.com"))
	}
	line.MoveTo("")
	for _, with := range leave {
		p.A.Post("/api/auth/logout", with).Want(t, 204)
	}
	// Nobody can have told it: what follows is replayed.
	for _, with := range leave {
		p.B.Get("/api/demo/me", site.Tokens{Access: with.Access}).Want(t, 200)
	}
	line.MoveTo(a.Redis.Addr())
	for _, with := range leave {
		p.B.Eventually("what was missed", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: with.Access}).StatusCode == 401 })
	}
	p.B.Get("/api/demo/me", site.Tokens{Access: stays.Access}).Want(t, 200)
}

// An operator, or a proxy's idle timeout, cuts every connection, again and
// again, while people sign out.
func TestRevocationsSurviveKilledConnections(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	stays := p.A.MemberTokens("ada@example.com")
	for range 25 {
		with := p.A.SignInTokens("ada@example.com")
		p.B.Get("/api/demo/me", site.Tokens{Access: with.Access}).Want(t, 200)
		if err := look.ClientKillByFilter(t.Context(), "TYPE", "normal").Err(); err != nil {
			t.Fatal(err)
		}
		if a := p.A.Post("/api/auth/logout", with); a.StatusCode != 204 {
			a.Want(t, 503, "session_store_unavailable") // and is tried again
		}
		p.B.Eventually("the end of the session", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: with.Access}).StatusCode == 401 })
	}
	p.B.Get("/api/demo/me", stays).Want(t, 200)
}

// An instance that starts hears of what has ended within an access token's
// life; and the stream keeps little more than that.
func TestRestartedInstanceKnowsEarlierRevocations(t *testing.T) {
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	stays := p.A.MemberTokens("ada@example.com")
	with := p.A.SignInTokens("ada@example.com")
	p.B.Stop()
	p.A.Post("/api/auth/logout", with).Want(t, 204)
	p.A.Clock.Advance(10 * time.Minute)
	p.B = p.A.Twin()
	p.B.Get("/api/demo/me", site.Tokens{Access: with.Access}).WantSignedOut(t, "session_revoked") // the very first request
	p.B.Get("/api/demo/me", site.Tokens{Access: stays.Access}).Want(t, 200)

	// One sign-out a minute, for two and a half hours.
	for range 150 {
		p.A.Clock.Advance(time.Minute)
		p.A.Post("/api/auth/logout", p.A.SignInTokens("ada@example.com")).Want(t, 204)
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
