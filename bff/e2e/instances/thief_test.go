package instances

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// The victim and a thief hold one jar and refresh at different instances, in either
// order. The copy is worth one access token at most, and both lose the session at
// the refresh that reveals the theft.
func TestThiefIsCaughtAcrossInstances(t *testing.T) {
	p := site.TwoInstances(t)
	p.A.MemberTokens("ada@example.com")
	for _, behind := range []time.Duration{5 * time.Second, 60 * time.Second} {
		for _, p := range []site.Pair{p, {A: p.B, B: p.A}} {
			for _, used := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v behind, child in use %v", behind, used), func(t *testing.T) {
					parent := p.A.SignInTokens("ada@example.com")
					bystander := p.A.SignInTokens("ada@example.com")
					p.A.Clock.Advance(16 * time.Minute)
					leader := p.A.Post("/api/auth/refresh", parent).Refreshed(t)
					if used {
						p.Acknowledge(t, leader, parent)
					}
					p.A.Clock.Advance(behind)
					follower := parent
					switch a := p.B.Post("/api/auth/refresh", parent); {
					case !used: // as if the answer had been lost: both hold the child now
						if follower = a.Refreshed(t); follower != leader {
							t.Fatal("two children")
						}
					case behind < 15*time.Second: // as a straggler: nothing comes of it
						if got, cleared := a.Want(t, 200).NewTokens(); cleared || got != (site.Tokens{}) {
							t.Fatalf("a straggler got %v", a.SetCookies())
						}
					default:
						wantTheftCaught(t, p, a, leader, parent)
						p.A.Get("/api/auth/me", bystander).Refreshed(t)
						return
					}

					// The next renewal shows that there are two of them.
					p.A.Clock.Advance(16 * time.Minute)
					next := p.A.Post("/api/auth/refresh", leader).Refreshed(t)
					p.Acknowledge(t, next, leader)
					p.A.Clock.Advance(15 * time.Second)
					wantTheftCaught(t, p, p.B.Post("/api/auth/refresh", follower), next, leader)
					p.A.Get("/api/auth/me", bystander).Refreshed(t)
				})
			}
		}
	}
}

// A token two refreshes old is theft, even at once.
func TestGrandparentIsATheftAtOnce(t *testing.T) {
	p := site.TwoInstances(t)
	p.A.MemberTokens("ada@example.com")
	for _, used := range []bool{true, false} {
		t.Run(fmt.Sprintf("child in use %v", used), func(t *testing.T) {
			grandparent := p.A.SignInTokens("ada@example.com")
			parent := p.A.Post("/api/auth/refresh", grandparent).Refreshed(t)
			child := p.B.Post("/api/auth/refresh", parent).Refreshed(t)
			if used {
				p.Acknowledge(t, child, parent)
			}
			wantTheftCaught(t, p, p.B.Post("/api/auth/refresh", grandparent), child, parent)
		})
	}
}

// wantTheftCaught checks that a theft was caught, and that nothing of the session is good
// for anything any more, at either instance.
func wantTheftCaught(t *testing.T, p site.Pair, caught site.Answer, victim, parent site.Tokens) {
	t.Helper()
	caught.WantSignedOut(t, "refresh_reuse")
	for _, at := range p.Each() {
		at.Eventually("the session to end", func() bool { return at.Get("/api/demo/me", site.Tokens{Access: victim.Access}).StatusCode == 401 })
		for _, with := range []site.Tokens{victim, parent, {Access: victim.Access}, {Refresh: victim.Refresh}, {Refresh: parent.Refresh}} {
			at.Get("/api/demo/me", with).WantSignedOut(t, "session_revoked")
		}
	}
}
