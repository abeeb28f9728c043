package authtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// KeptTrail is an audit trail that can be shortened.
type KeptTrail interface {
	Trail
	auth.AuditKeeper
}

// RunAuditKeeper is the contract of what shortens an audit trail. open is called
// once for each test and gives an empty trail whose leases end by now.
func RunAuditKeeper(t *testing.T, open func(t *testing.T, now func() time.Time) KeptTrail) {
	for name, run := range map[string]func(t *testing.T, trail KeptTrail, clock *sessiontest.Clock){
		"events from before a time are deleted, the others stay": testPrune,
		"address and browser of one user's events are taken out": testRedact,
		"address and browser of an account's acts are taken out": testRedactActs,
		"the clock is read":                                  testClock,
		"one holder has a task until its time is over":       testLease,
		"a cancelled call fails when the trail is shortened": testKeeperCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			clock := sessiontest.NewClock()
			run(t, open(t, clock.Now), clock)
		})
	}
}

// repeat runs a step until it has nothing to do, and adds up.
func repeat(t *testing.T, step func() (int, error)) (total int) {
	t.Helper()
	for range 1000 {
		n, err := step()
		must(t, err)
		if n == 0 {
			return total
		}
		total += n
	}
	t.Fatal("it does not end")
	return 0
}

func testPrune(t *testing.T, trail KeptTrail, _ *sessiontest.Clock) {
	var kept, all []auth.Event
	old := 0
	for i := range 2500 {
		e := event()
		e.At = sessiontest.Start.Add(time.Duration(i/2-1000) * time.Millisecond) // two of each time
		if e.At.Before(sessiontest.Start) {
			old++
		} else {
			kept = append(kept, e)
		}
		all = append(all, e)
	}
	must(t, trail.Append(t.Context(), all...))
	prune := func(before time.Time) int {
		return repeat(t, func() (int, error) { return trail.Prune(t.Context(), before) })
	}
	if n := prune(sessiontest.Start.Add(-time.Hour)); n != 0 {
		t.Errorf("%d events from before the first one were deleted", n)
	}
	if n := prune(sessiontest.Start); n != old {
		t.Errorf("%d events were deleted, want %d", n, old)
	}
	holds(t, trail, kept...)
	if n := prune(sessiontest.Start); n != 0 {
		t.Errorf("%d events were deleted a second time", n)
	}
}

func testRedact(t *testing.T, trail KeptTrail, _ *sessiontest.Clock) {
	var want, all []auth.Event
	for i := range 2300 {
		e := event()
		e.UserID, e.At = "gone", sessiontest.Start.Add(time.Duration(i/2)*time.Millisecond)
		if i%100 == 0 {
			e.IP, e.UserAgent = "", ""
		}
		all = append(all, e)
		e.IP, e.UserAgent = "", ""
		want = append(want, e)
	}
	must(t, trail.Append(t.Context(), all...))
	for _, who := range []string{"", "gone2", "GONE", "another"} {
		e := event()
		e.UserID, e.ActorID = who, "gone"
		must(t, trail.Append(t.Context(), e))
		want = append(want, e)
	}
	redact := func(who string) int {
		return repeat(t, func() (int, error) { return trail.Redact(t.Context(), who) })
	}
	if n := redact("gone"); n != 2300-23 {
		t.Errorf("%d events were changed, want %d", n, 2300-23)
	}
	for _, who := range []string{"gone", "", "nobody", "\xff", "'", "%"} {
		if n := redact(who); n != 0 {
			t.Errorf("%q: %d events were changed", who, n)
		}
	}
	holds(t, trail, want...)
}

func testRedactActs(t *testing.T, trail KeptTrail, _ *sessiontest.Clock) {
	var want, all []auth.Event
	changed := 0
	for i := range 2500 {
		e := event()
		e.At = sessiontest.Start.Add(time.Duration(i/2) * time.Millisecond)
		e.UserID = fmt.Sprint("u", i%50)
		e.ActorID = []string{"gone", "gone too", "here", "", e.UserID, "u7"}[i%6]
		if i%100 == 0 {
			e.IP, e.UserAgent = "", ""
		}
		all = append(all, e)
		// u7 is gone as well; its own events are Redact's.
		if e.ActorID == "gone" || e.ActorID == "gone too" || e.ActorID == "u7" && e.UserID != "u7" {
			if e.IP != "" {
				changed++
			}
			e.IP, e.UserAgent = "", ""
		}
		want = append(want, e)
	}
	must(t, trail.Append(t.Context(), all...))
	gone := map[string]bool{"gone": true, "gone too": true, "u7": true}
	redact := func(from auth.Position) (total int) {
		for at := from; ; {
			n, next, err := trail.RedactActs(t.Context(), func(id string) bool { return gone[id] }, at)
			if must(t, err); next != (auth.Position{}) && next.At.Before(at.At) {
				t.Fatalf("from %v back to %v", at, next)
			}
			if total, at = total+n, next; at == (auth.Position{}) {
				return total
			}
		}
	}
	if n := redact(auth.Position{At: sessiontest.Start.Add(time.Hour)}); n != 0 {
		t.Errorf("%d events were changed after the last one", n)
	}
	if n := redact(auth.Position{At: time.Time{}}); n != changed {
		t.Errorf("%d events were changed, want %d", n, changed)
	}
	if n := redact(auth.Position{At: sessiontest.Start}); n != 0 {
		t.Errorf("%d events were changed a second time", n)
	}
	holds(t, trail, want...)
}

func testClock(t *testing.T, trail KeptTrail, _ *sessiontest.Clock) {
	if now, err := trail.Clock(t.Context()); err != nil || now.Year() < 2026 {
		t.Errorf("it is %s (%v)", now, err)
	}
}

func testLease(t *testing.T, trail KeptTrail, clock *sessiontest.Clock) {
	lease := func(task, holder string, want bool) {
		t.Helper()
		got, err := trail.Lease(t.Context(), task, holder, clock.Now().Add(time.Minute))
		if must(t, err); got != want {
			t.Errorf("%s for %s: %t, want %t", task, holder, got, want)
		}
	}
	lease("a", "one", true)
	lease("a", "two", false)
	lease("b", "two", true)
	clock.Advance(59 * time.Second)
	lease("a", "two", false)
	lease("a", "one", true) // a minute more
	clock.Advance(59 * time.Second)
	lease("a", "two", false)
	clock.Advance(time.Second)
	lease("a", "two", true)
	lease("a", "one", false)
	for i := range 20 { // the same moment, again and again
		lease("c", "one", true)
		lease("c", fmt.Sprint(i), false)
	}
}

func testKeeperCancelled(t *testing.T, trail KeptTrail, _ *sessiontest.Clock) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, clock := trail.Clock(ctx)
	_, _, acts := trail.RedactActs(ctx, func(string) bool { return true }, auth.Position{})
	_, prune := trail.Prune(ctx, sessiontest.Start)
	_, redact := trail.Redact(ctx, "u")
	_, lease := trail.Lease(ctx, "a", "one", sessiontest.Start)
	for what, err := range map[string]error{"Clock": clock, "RedactActs": acts, "Prune": prune, "Redact": redact, "Lease": lease} {
		if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want ErrDatabase and context.Canceled", what, err)
		}
	}
}
