package session_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// heist is one way of living off stolen cookies: once in every access token's
// life the victim refreshes, and the thief does the same so much later (earlier,
// when negative).
type heist struct {
	loot       string
	offset     time.Duration
	thiefUses  bool // access tokens; else every request of his is a refresh
	victimUses bool // else it makes one request in every access token's life
}

// party is one holder of cookies.
type party struct {
	name string
	has  *session.Cookies
	uses bool
}

const (
	rounds = 6
	// firstUse is how long after a refresh its access token is first used.
	firstUse = time.Second
)

// Thieves on the real Service. What "caught within one rotation" means: say
// that one of the two has used a pair that the other has not got. From then on
// the other gets no cookies, and the session ends for both at that one's first
// refresh 15 s or more after the first use, or past the next rotation. Until
// then both hold the same pair: a thief who refreshes in the gap between the end
// of the victim's access token and the first use of its child, every time, and
// who uses no access token before the victim does, is what a second tab is. He
// is caught when he misses one such gap.
func TestModelThiefSchedules(t *testing.T) {
	t.Parallel()
	h := open(t, func(d *session.Deps) { d.OnRevocation = nil })
	outcomes := map[string]int{}
	n := 0
	for _, loot := range []string{"refresh token", "both", "parent", "grandparent"} {
		for _, offset := range []time.Duration{-60 * time.Second, -5 * time.Second, 0, 5 * time.Second, 60 * time.Second} {
			for _, uses := range []int{0, 1, 2, 3} {
				x := heist{loot, offset, uses&1 == 1, uses&2 == 2}
				n++
				caught := x.play(t, h)
				outcomes[caught]++
				if x.neverSplits() != (caught == "never") {
					t.Errorf("%+v: caught %s", x, caught)
				}
			}
		}
	}
	t.Logf("%d schedules, caught so many rotations after the split: %v", n, outcomes)
	if n != 80 {
		t.Errorf("%d schedules, there were 80", n)
	}
}

// neverSplits: whoever refreshes second has always done so before the first has
// used the new pair.
func (x heist) neverSplits() bool {
	switch x.loot {
	case "grandparent":
		return false
	case "parent": // of a pair that the victim has not used either
		return x.offset < 0 && !x.victimUses
	}
	switch {
	case x.offset < 0:
		return !x.thiefUses
	case x.offset > 0:
		return !x.victimUses
	}
	return true // 0: both refresh at one moment
}

// play gives after how many rotations since the split the two were caught.
func (x heist) play(t *testing.T, h *harness) string {
	t.Helper()
	victim := &party{name: "victim", has: h.signIn(false), uses: x.victimUses}
	thief := &party{name: "thief", has: victim.has, uses: x.thiefUses}
	for range map[string]int{"parent": 1, "grandparent": 2}[x.loot] {
		h.clock.Advance(16 * time.Minute)
		victim.refresh(t, h)
		h.clock.Advance(firstUse)
		victim.use(t, h)
	}
	split := uint32(0) // the generation that one has used and the other has not got
	for range rounds {
		h.clock.Advance(16 * time.Minute)
		order := []*party{victim, thief}
		gap := x.offset
		if x.offset < 0 {
			order, gap = []*party{thief, victim}, -x.offset
		}
		for i, p := range order {
			if i == 1 {
				h.clock.Advance(gap)
			}
			if p.refresh(t, h) {
				return x.ended(t, h, split, victim, thief)
			}
			// At offset 0 both refresh before either uses what it got.
			users := []*party{p}
			if gap == 0 {
				users = order[:i*2]
			} else {
				h.clock.Advance(firstUse)
			}
			for _, u := range users {
				if u.use(t, h) && victim.has.Generation != thief.has.Generation && split == 0 {
					split = u.has.Generation
				}
			}
		}
	}
	if split != 0 {
		t.Errorf("%+v: split at generation %d and not caught", x, split)
	}
	return "never"
}

// refresh reports whether that was noticed as a theft.
func (p *party) refresh(t *testing.T, h *harness) bool {
	t.Helper()
	g, err := h.Authenticate(t.Context(), "", p.has.Refresh)
	var e *refusal.Error
	switch {
	case errors.As(err, &e) && e.Code == refusal.RefreshReuse:
		return true
	case err != nil:
		t.Fatalf("%s: %v", p.name, err)
	case g.Cookies != nil:
		p.has = g.Cookies
	}
	return false
}

// use reports whether an access token was used.
func (p *party) use(t *testing.T, h *harness) bool {
	t.Helper()
	if _, err := h.tokens.VerifyAccess(p.has.Access, h.clock.Now()); err != nil || !p.uses {
		return false
	}
	if _, err := h.Authenticate(t.Context(), p.has.Access, ""); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return true
}

// ended checks that it is over for both, access tokens included.
func (x heist) ended(t *testing.T, h *harness, split uint32, both ...*party) string {
	t.Helper()
	newest := uint32(0)
	for _, p := range both {
		newest = max(newest, p.has.Generation)
		if _, err := h.Authenticate(t.Context(), p.has.Access, p.has.Refresh); err == nil {
			t.Errorf("%+v: caught, and the %s goes on", x, p.name)
		}
		if _, err := h.Authenticate(t.Context(), p.has.Access, ""); err == nil {
			t.Errorf("%+v: caught, and the %s's access token is good", x, p.name)
		}
	}
	if split == 0 { // a copy of an old generation: the first to use it ends it
		return "at once"
	}
	if newest > split+1 {
		t.Errorf("%+v: split at generation %d, caught at %d", x, split, newest)
	}
	return fmt.Sprint(newest - split)
}
