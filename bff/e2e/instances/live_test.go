package instances

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Whichever instance a session is ended at, its live connections end at both,
// within a second; those of others, and of a session that is merely renewed,
// do not.
func TestLiveConnectionsEndOnBothInstances(t *testing.T) {
	p := site.TwoInstances(t)
	other := p.A.MemberTokens("ada@example.com")
	bystanders := []site.Live{p.A.OpenLive(t.Context(), other), p.B.OpenLive(t.Context(), other)}
	var took []time.Duration
	for round := range 5 {
		with := p.A.SignInTokens("ada@example.com")
		open := []site.Live{p.A.OpenLive(t.Context(), with), p.B.OpenLive(t.Context(), with)}
		p.A.Clock.Advance(20 * time.Minute)
		with = p.B.Post("/api/auth/refresh", with).Refreshed(t)
		for _, l := range open {
			l.WantOpen(t, fmt.Sprintf("renewed, and past the access token's end, round %d", round))
		}
		at := p.Each()[round%2]
		at.Post("/api/auth/logout", with).Want(t, 204)
		start := time.Now()
		for _, l := range open {
			l.WantClosed(t)
		}
		took = append(took, time.Since(start))
		for _, l := range bystanders {
			l.WantOpen(t, "somebody else left")
		}
	}
	slices.Sort(took)
	t.Logf("from sign-out's answer to the end of all four connections: %v", took)
	// What does not follow the stream of revocations has until its next
	// heartbeat, in 20 s.
	if median := took[len(took)/2]; median > 10*time.Second {
		t.Errorf("live connections end after %v, want within a second on an idle machine", median)
	}
}
