package e2e

import (
	"fmt"
	"testing"
	"time"
)

// use lets the tokens be seen at one instance and waits until the other one
// knows: from then on their parent is late traffic everywhere.
func (p pair) use(t *testing.T, child, parent tokens) {
	t.Helper()
	p.a.get("/api/auth/me", child).want(t, 200)
	p.b.eventually("the receipt to be known", func() bool {
		late, _ := p.b.post("/api/auth/refresh", parent).want(t, 200).brings()
		if late != (tokens{}) && late != child {
			t.Fatal("another child")
		}
		return late == tokens{}
	})
}

// Two hold one jar, the victim and a thief; who comes first at one instance,
// and who behind at the other, is all the same. The copy is worth one access
// token at most, and both lose the session at the renewal that shows them.
func TestThiefIsCaughtAcrossInstances(t *testing.T) {
	p := twoInstances(t)
	p.a.somebody("ada@example.com")
	for _, behind := range []time.Duration{5 * time.Second, 60 * time.Second} {
		for _, p := range []pair{p, {p.b, p.a}} {
			for _, used := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v behind, child in use %v", behind, used), func(t *testing.T) {
					parent := p.a.signedIn("ada@example.com")
					bystander := p.a.signedIn("ada@example.com")
					p.a.clock.Advance(16 * time.Minute)
					leader := p.a.post("/api/auth/refresh", parent).renewed(t)
					if used {
						p.use(t, leader, parent)
					}
					p.a.clock.Advance(behind)
					follower := parent
					switch a := p.b.post("/api/auth/refresh", parent); {
					case !used: // as if the answer had been lost: both hold the child now
						if follower = a.renewed(t); follower != leader {
							t.Fatal("two children")
						}
					case behind < 15*time.Second: // as a straggler: nothing comes of it
						if got, cleared := a.want(t, 200).brings(); cleared || got != (tokens{}) {
							t.Fatalf("a straggler got %v", a.setCookies())
						}
					default:
						p.over(t, a, leader, parent)
						p.a.get("/api/auth/me", bystander).renewed(t)
						return
					}

					// The next renewal shows that there are two of them.
					p.a.clock.Advance(16 * time.Minute)
					next := p.a.post("/api/auth/refresh", leader).renewed(t)
					p.use(t, next, leader)
					p.a.clock.Advance(15 * time.Second)
					p.over(t, p.b.post("/api/auth/refresh", follower), next, leader)
					p.a.get("/api/auth/me", bystander).renewed(t)
				})
			}
		}
	}
}

// A token two renewals old is nobody's straggler, not even at once.
func TestGrandparentIsATheftAtOnce(t *testing.T) {
	p := twoInstances(t)
	p.a.somebody("ada@example.com")
	for _, used := range []bool{true, false} {
		t.Run(fmt.Sprintf("child in use %v", used), func(t *testing.T) {
			grandparent := p.a.signedIn("ada@example.com")
			parent := p.a.post("/api/auth/refresh", grandparent).renewed(t)
			child := p.b.post("/api/auth/refresh", parent).renewed(t)
			if used {
				p.use(t, child, parent)
			}
			p.over(t, p.b.post("/api/auth/refresh", grandparent), child, parent)
		})
	}
}

// over checks that a theft was caught, and that nothing of the session is good
// for anything any more, at either instance.
func (p pair) over(t *testing.T, caught answer, victim, parent tokens) {
	t.Helper()
	caught.keptOut(t, "refresh_reuse")
	for _, at := range p.each() {
		at.eventually("the session to end", func() bool { return at.get("/api/demo/me", tokens{access: victim.access}).StatusCode == 401 })
		for _, with := range []tokens{victim, parent, {access: victim.access}, {refresh: victim.refresh}, {refresh: parent.refresh}} {
			at.get("/api/demo/me", with).keptOut(t, "session_revoked")
		}
	}
}
