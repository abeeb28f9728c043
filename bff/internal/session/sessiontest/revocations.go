package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// patience is how long a test waits for what must come; only a failing test
// ever waits that long.
const patience = time.Minute

func revocation(x session.Record, at time.Time) session.Revocation {
	return session.Revocation{UserID: x.UserID, SessionID: x.ID, Reason: session.ReasonSignOut, At: at.Truncate(time.Millisecond)}
}

// Subscriber listens to a store's revocations until the test ends.
type Subscriber struct {
	heard chan session.Revocation
	lost  chan time.Time
	all   []session.Revocation
	stop  context.CancelFunc
	run   errgroup.Group
}

// Subscribe starts a follower on s that asks for the last keep.
func Subscribe(t *testing.T, s session.Revocations, keep time.Duration) *Subscriber {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Subscriber{heard: make(chan session.Revocation, 10_000), lost: make(chan time.Time, 1000), stop: cancel}
	f.run.Go(func() error {
		return s.Subscribe(ctx, keep, f.subscriber(func() {}))
	})
	t.Cleanup(func() { f.Stop(t) })
	return f
}

func (f *Subscriber) subscriber(caughtUp func()) session.Subscriber {
	return session.Subscriber{
		Revoked:  func(r session.Revocation) { f.heard <- r },
		Lost:     func(before time.Time) { f.lost <- before },
		CaughtUp: caughtUp,
	}
}

// Lost waits for a loss of revocations from before want
// may be missing. Other losses are skipped.
func (f *Subscriber) Lost(t *testing.T, want time.Time) {
	t.Helper()
	var told []time.Time
	late := time.After(patience)
	for {
		select {
		case before := <-f.lost:
			if before.Equal(want) {
				return
			}
			told = append(told, before)
		case <-late:
			t.Fatalf("revocations are lost from before %v, want %v", told, want)
		}
	}
}

// LostNothing fails when since the last Lost the subscriber learnt that
// revocations are missing.
func (f *Subscriber) LostNothing(t *testing.T) {
	t.Helper()
	select {
	case before := <-f.lost:
		t.Errorf("told that revocations from before %s may be missing", before)
	default:
	}
}

// Stop ends the follower and checks that it ends as it should.
func (f *Subscriber) Stop(t *testing.T) {
	t.Helper()
	f.stop()
	ended := make(chan error, 1)
	var wait errgroup.Group
	wait.Go(func() error { ended <- f.run.Wait(); return nil })
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Follow gave %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Errorf("Follow is still running %v after it was cancelled", patience)
	}
}

// Expect waits until the subscriber has received every one of want; the test fails
// when one does not come.
func (f *Subscriber) Expect(t *testing.T, want ...session.Revocation) {
	t.Helper()
	late := time.After(patience)
	for _, w := range want {
		for !slices.ContainsFunc(f.all, func(r session.Revocation) bool { return equal(r, w) }) {
			select {
			case r := <-f.heard:
				f.all = append(f.all, r)
			case <-late:
				t.Fatalf("did not receive %+v, only %+v", w, f.all)
			}
		}
	}
}

// Received returns what has been received so far, in order and without repetitions.
func (f *Subscriber) Received() []session.Revocation {
	for {
		select {
		case r := <-f.heard:
			f.all = append(f.all, r)
			continue
		default:
		}
		var once []session.Revocation
		for _, r := range f.all {
			if !slices.ContainsFunc(once, func(o session.Revocation) bool { return equal(o, r) }) {
				once = append(once, r)
			}
		}
		return once
	}
}

func equal(a, b session.Revocation) bool {
	return a.UserID == b.UserID && a.SessionID == b.SessionID && a.Reason == b.Reason && a.At.Equal(b.At)
}

// peer is another handle on the backend of s, or s itself when one process is
// all that s serves.
func peer(t *testing.T, s Store) Store {
	if p, ok := s.(Peered); ok {
		return p.Peer(t)
	}
	return s
}

func testFollow(t *testing.T, s Store, clock *Clock) {
	other := peer(t, s)
	here, there := Subscribe(t, s, time.Hour), Subscribe(t, other, time.Hour)

	var want []session.Revocation
	for i, reason := range []session.Reason{session.ReasonSignOut, session.ReasonRefreshReuse, session.ReasonEnded, "a reason to come"} {
		x := sample("user {"+rand.Text()+"}\n\xff", clock.Now())
		createSession(t, s, x)
		r := revocation(x, clock.Advance(time.Second))
		r.Reason = reason
		by := s
		if i%2 == 1 {
			by = other
		}
		must(t, by.End(t.Context(), r))
		want = append(want, r)
		// On a received end, a reader finds the session gone, or going.
		here.Expect(t, r)
		there.Expect(t, r)
	}
	several := []session.Revocation{
		revocation(sample(rand.Text(), clock.Now()), clock.Now()),
		revocation(sample(rand.Text(), clock.Now()), clock.Now()),
	}
	must(t, s.End(t.Context(), several...))
	want = append(want, several...)
	for name, f := range map[string]*Subscriber{"on the ending instance": here, "on another instance": there} {
		f.Expect(t, want...)
		same(t, "heard in order, "+name, f.Received(), want)
	}
}

func testFollowRepeated(t *testing.T, s Store, clock *Clock) {
	f := Subscribe(t, s, time.Hour)
	x := sample(rand.Text(), clock.Now())
	first := revocation(x, clock.Now())
	must(t, s.End(t.Context(), first))
	f.Expect(t, first)
	// An end that failed half way is tried again; a subscriber that missed the first
	// revocation must receive the second.
	second := revocation(x, clock.Advance(time.Second))
	must(t, s.End(t.Context(), second))
	f.Expect(t, second)
}

func testReplay(t *testing.T, s Store, clock *Clock) {
	end := func() session.Revocation {
		x := sample(rand.Text(), clock.Now())
		createSession(t, s, x)
		r := revocation(x, clock.Now())
		must(t, s.End(t.Context(), r))
		return r
	}
	old := end()
	clock.Advance(3 * time.Hour)
	recent := end()
	clock.Advance(14 * time.Minute)

	f := Subscribe(t, peer(t, s), 15*time.Minute)
	f.Expect(t, recent)
	live := end()
	f.Expect(t, live)
	same(t, "received for the last 15 minutes", f.Received(), []session.Revocation{recent, live})

	all := Subscribe(t, s, 4*time.Hour)
	all.Expect(t, old, recent, live)
	same(t, "received for the last 4 hours", all.Received(), []session.Revocation{old, recent, live})
}

func testFollowStops(t *testing.T, s Store, clock *Clock) {
	f := Subscribe(t, s, time.Hour)
	x := revocation(sample(rand.Text(), clock.Now()), clock.Now())
	must(t, s.End(t.Context(), x))
	f.Expect(t, x)
	f.Stop(t)
	// Ends go on without it, and another one can follow.
	y := revocation(sample(rand.Text(), clock.Now()), clock.Advance(time.Second))
	must(t, s.End(t.Context(), y))
	Subscribe(t, s, time.Hour).Expect(t, x, y)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Subscribe(ended, time.Hour, (&Subscriber{}).subscriber(func() {})); !errors.Is(err, context.Canceled) {
		t.Errorf("Follow with an ended context: %v, want context.Canceled", err)
	}
}

func testAnnounce(t *testing.T, s Store, clock *Clock) {
	x := sample("u-announce", clock.Now())
	createSession(t, s, x)
	f := Subscribe(t, s, time.Hour)
	defer f.Stop(t)
	r := revocation(x, clock.Now())
	r.Since = session.TokenPair{Generation: 4_000_000_000, IssuedAt: clock.Now().Truncate(time.Second).UTC()}
	r.Reason = session.ReasonRoleChanged
	must(t, peer(t, s).Publish(t.Context(), r))
	f.Expect(t, r)
	there(t, s, x) // it goes on
	must(t, s.Publish(t.Context()))
}

// An instance that serves before it has read the earlier revocations serves ended sessions.
func testCaughtUp(t *testing.T, s Store, clock *Clock) {
	for _, n := range []int{0, 1, 2500} { // of none, and of more than a store reads at once
		news := make([]session.Revocation, n)
		for i := range news {
			news[i] = revocation(sample(rand.Text(), clock.Now()), clock.Advance(time.Second))
		}
		must(t, peer(t, s).Publish(t.Context(), news...))

		f := &Subscriber{heard: make(chan session.Revocation, 10_000), lost: make(chan time.Time, 1000)}
		known := make(chan []session.Revocation, 2)
		ctx, cancel := context.WithCancel(context.Background())
		f.stop = cancel
		f.run.Go(func() error {
			return s.Subscribe(ctx, time.Hour, f.subscriber(func() { known <- f.Received() }))
		})
		select {
		case heard := <-known:
			for _, r := range news {
				if !slices.ContainsFunc(heard, func(h session.Revocation) bool { return equal(h, r) }) {
					t.Fatalf("said to know all %d after %d", n, len(heard))
				}
			}
		case <-time.After(patience):
			t.Fatalf("not said to know, with %d to know of", n)
		}
		for range 2 { // the second arrives after the effects of the first
			next := revocation(sample(rand.Text(), clock.Now()), clock.Advance(time.Second))
			must(t, s.Publish(t.Context(), next))
			f.Expect(t, next)
		}
		f.Stop(t)
		if len(known) > 0 {
			t.Error("said twice")
		}
	}
}
