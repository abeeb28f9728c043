package sessiontest

import (
	"crypto/rand"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func testList(t *testing.T, s Store, clock *Clock) {
	user, now := rand.Text(), clock.Now()
	var want []session.Record
	for _, age := range []time.Duration{0, time.Millisecond, time.Minute, 26 * time.Hour} {
		x := sample(user, now)
		x.CreatedAt = x.CreatedAt.Add(-age)
		// The order is that of sign-in, not of ending.
		x.IdleEnd = x.IdleEnd.Add(-age.Truncate(time.Minute) / 100)
		want = append(want, x)
	}
	for _, i := range []int{2, 0, 3, 1} {
		createSession(t, s, want[i])
	}
	createSession(t, s, sample(rand.Text(), now))

	got, err := ListSessions(t.Context(), s, user)
	must(t, err)
	same(t, "list", got, want)
}

func testExpiry(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)

	clock.Set(x.IdleEnd.Add(-time.Millisecond))
	there(t, s, x)
	clock.Set(x.IdleEnd)
	gone(t, s, x)
	clock.Advance(365 * 24 * time.Hour)
	gone(t, s, x)

	// One that has ended before it is stored is no session either.
	late := sample(rand.Text(), clock.Now())
	late.IdleEnd = clock.Now()
	createSession(t, s, late)
	gone(t, s, late)
}

func testGhosts(t *testing.T, s Store, clock *Clock) {
	user := rand.Text()
	var x [4]session.Record
	for i := range x {
		x[i] = sample(user, clock.Now().Add(-time.Duration(i)*time.Second))
	}
	x[1].IdleEnd = clock.Now().Add(time.Minute)
	for i := range x {
		createSession(t, s, x[i])
	}
	clock.Advance(time.Minute)
	must(t, s.End(t.Context(), revocation(x[2], clock.Now())))
	for range 2 {
		got, err := ListSessions(t.Context(), s, user)
		must(t, err)
		same(t, "list", got, []session.Record{x[0], x[3]})
	}
	clock.Advance(time.Hour)
	got, err := ListSessions(t.Context(), s, user)
	must(t, err)
	same(t, "list after all have expired", got, nil)
}

func testEnd(t *testing.T, s Store, clock *Clock) {
	ada, bob := rand.Text(), rand.Text()
	a1, a2, b1, b2 := sample(ada, clock.Now()), sample(ada, clock.Now()), sample(bob, clock.Now()), sample(bob, clock.Now())
	for _, x := range []session.Record{a1, a2, b1, b2} {
		createSession(t, s, x)
	}
	must(t, s.End(t.Context()))
	for _, x := range []session.Record{a1, a2, b1, b2} {
		there(t, s, x)
	}
	for range 2 { // the second time there is nothing left to end
		must(t, s.End(t.Context(), revocation(a1, clock.Now()), revocation(b2, clock.Now())))
		gone(t, s, a1)
		there(t, s, a2)
		there(t, s, b1)
		gone(t, s, b2)
	}
	must(t, s.End(t.Context(), revocation(sample(rand.Text(), clock.Now()), clock.Now())))
}

// next is x after a rotation.
func next(x session.Record, now time.Time) session.Record {
	x.Generation++
	x.IssuedAt = now.Truncate(time.Second)
	x.IdleEnd = now.Truncate(time.Millisecond).Add(time.Hour)
	x.ReceivedAt = time.Time{}
	x.Account.Role = session.RoleUser
	return x
}

func testSwap(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	x.Generation, x.Version = 1, 0
	createSession(t, s, x)
	for range 12 { // past one digit
		n := next(x, clock.Advance(time.Minute))
		n.Version = 77 // the store counts, not the caller
		must(t, s.Swap(t.Context(), x, n))
		n.Version = x.Version + 1
		there(t, s, n)
		x = n
	}
	list, err := ListSessions(t.Context(), s, x.UserID)
	must(t, err)
	same(t, "list", list, []session.Record{x})
}

func testSwapConflict(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)
	now := clock.Advance(time.Minute)
	// Off by one at 2^53 is equal to anything that counts in float64.
	for _, version := range []uint64{x.Version - 1, x.Version + 1, 0, 1, 9, 90071992547409930} {
		stale := x
		stale.Version = version
		if err := s.Swap(t.Context(), stale, next(x, now)); !errors.Is(err, session.ErrConflict) {
			t.Errorf("swap of version %d while %d is stored: %v, want ErrConflict", version, x.Version, err)
		}
		there(t, s, x)
	}
	must(t, s.Swap(t.Context(), x, next(x, now)))
	if err := s.Swap(t.Context(), x, next(x, now)); !errors.Is(err, session.ErrConflict) {
		t.Errorf("the same swap again: %v, want ErrConflict", err)
	}
}

func testSwapResurrects(t *testing.T, s Store, clock *Clock) {
	never, ended, expired := sample(rand.Text(), clock.Now()), sample(rand.Text(), clock.Now()), sample(rand.Text(), clock.Now())
	expired.IdleEnd = clock.Now().Add(time.Minute)
	createSession(t, s, ended)
	createSession(t, s, expired)
	must(t, s.End(t.Context(), revocation(ended, clock.Now())))
	now := clock.Advance(time.Minute)
	for what, x := range map[string]session.Record{"never created": never, "ended": ended, "expired": expired} {
		if err := s.Swap(t.Context(), x, next(x, now)); !errors.Is(err, session.ErrNoSession) {
			t.Errorf("swap of a session %s: %v, want ErrNoSession", what, err)
		}
		gone(t, s, x)
	}
}

func testSwapMovesEnd(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)
	first := x.IdleEnd

	later := next(x, clock.Advance(59*time.Minute))
	must(t, s.Swap(t.Context(), x, later))
	later.Version++
	clock.Set(first.Add(time.Minute))
	there(t, s, later)
	if list, err := ListSessions(t.Context(), s, x.UserID); err != nil || len(list) != 1 {
		t.Errorf("after its first end the list has %d sessions, %v; want the one", len(list), err)
	}

	sooner := later
	sooner.IdleEnd = clock.Now().Add(time.Minute)
	must(t, s.Swap(t.Context(), later, sooner))
	sooner.Version++
	there(t, s, sooner)
	clock.Advance(time.Minute)
	gone(t, s, sooner)

	// A swap to an end that is past ends the session.
	y := sample(rand.Text(), clock.Now())
	createSession(t, s, y)
	past := y
	past.IdleEnd = clock.Now()
	must(t, s.Swap(t.Context(), y, past))
	gone(t, s, y)
}

func testSwapOther(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)
	otherID, otherUser := x, x
	otherID.ID, otherUser.UserID = rand.Text(), rand.Text()
	for _, n := range []session.Record{otherID, otherUser} {
		if err := s.Swap(t.Context(), x, n); err == nil {
			t.Error("a session was swapped for one with another id")
		}
		gone(t, s, n)
	}
	there(t, s, x)
}

func testSwapRace(t *testing.T, s Store, clock *Clock) {
	x := sample(rand.Text(), clock.Now())
	createSession(t, s, x)
	var won, lost atomic.Int32
	var start errgroup.Group
	open := make(chan struct{})
	for i := range 50 {
		start.Go(func() error {
			<-open
			n := next(x, clock.Now())
			n.Generation = uint32(i)
			switch err := s.Swap(t.Context(), x, n); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, session.ErrConflict):
				lost.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	close(open)
	must(t, start.Wait())
	if won.Load() != 1 || lost.Load() != 49 {
		t.Errorf("%d swaps of one version won and %d lost, want 1 and 49", won.Load(), lost.Load())
	}
	got, err := s.Get(t.Context(), x.UserID, x.ID)
	must(t, err)
	if got.Version != x.Version+1 {
		t.Errorf("version %d after one swap of %d", got.Version, x.Version)
	}
}

func testEndRace(t *testing.T, s Store, clock *Clock) {
	for range 20 {
		x := sample(rand.Text(), clock.Now())
		createSession(t, s, x)
		var both errgroup.Group
		open := make(chan struct{})
		for range 4 {
			both.Go(func() error {
				<-open
				err := s.Swap(t.Context(), x, next(x, clock.Now()))
				if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNoSession) {
					return nil
				}
				return err
			})
		}
		both.Go(func() error {
			<-open
			return s.End(t.Context(), revocation(x, clock.Now()))
		})
		close(open)
		must(t, both.Wait())
		gone(t, s, x)
	}
}
