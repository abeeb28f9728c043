package authtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// Trail is an audit trail that a test can read back.
type Trail interface {
	auth.Audit
	// Events gives everything that is kept, in any order.
	Events(t *testing.T) []auth.Event
}

// RunAudit is the contract of an audit trail and of the user store that writes
// to it. open is called once for each test and gives both, empty; it cleans up
// after itself.
func RunAudit(t *testing.T, open func(t *testing.T) (auth.Users, Trail)) {
	tests := []struct {
		name string
		run  func(t *testing.T, users auth.Users, trail Trail)
	}{
		{"events come back exactly as they were added", testEvents},
		{"a thousand at once", testManyEvents},
		{"an event is kept once and never changed", testRepeatedEvents},
		{"what strangers write is cut, not refused", testEventTooLong},
		{"each text has one length in every store", testEventLengths},
		{"an event without an ID is refused, and those with it", testEventWithoutID},
		{"an account and its event are stored together", testCreateTogether},
		{"a changed account and its events are stored together", testChangeTogether},
		{"of simultaneous sign-ups one has an event", testSignUpRaceEvents},
		{"pages by person and type", testPageFilters},
		{"pages have neither gaps nor repeats", testPageWhileWritten},
		{"a cancelled call fails", testAuditCancelled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			users, trail := open(t)
			test.run(t, users, trail)
		})
	}
}

// event fills every field with something of its own.
func event() auth.Event {
	return auth.Event{
		ID: rand.Text(), Type: auth.EventLoginFailed,
		UserID: rand.Text(), ActorID: rand.Text(), SessionID: rand.Text(),
		Detail: "wrong password", IP: "192.0.2.7", UserAgent: "Browser/1.0 " + rand.Text(),
		RequestID: rand.Text(), At: sessiontest.Start,
	}
}

// holds checks that the trail has exactly the events of want.
func holds(t *testing.T, trail Trail, want ...auth.Event) {
	t.Helper()
	byID := func(a, b auth.Event) int { return strings.Compare(a.ID, b.ID) }
	got := trail.Events(t)
	slices.SortFunc(got, byID)
	want = slices.SortedFunc(slices.Values(want), byID)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	same(t, "trail", got, want)
}

func testEvents(t *testing.T, _ auth.Users, trail Trail) {
	full := event()
	bare := auth.Event{ID: rand.Text(), Type: auth.EventLoginFailed, At: sessiontest.Start} // nobody known
	odd := event()
	odd.UserAgent = "🦊 ' \" \\ \n\r\x1b[31m %s {\"a\":1} "
	odd.IP = "2001:db8:0:0:0:ffff:192.0.2.128%eth0"
	early := event()
	early.At = sessiontest.Start.Add(-time.Millisecond)
	elsewhere := event()
	elsewhere.At = sessiontest.Start.In(time.FixedZone("", 5*3600+1800))

	must(t, trail.Append(t.Context()))
	holds(t, trail)
	must(t, trail.Append(t.Context(), full))
	holds(t, trail, full)
	must(t, trail.Append(t.Context(), bare, odd, early, elsewhere))
	holds(t, trail, full, bare, odd, early, elsewhere)
}

func testManyEvents(t *testing.T, _ auth.Users, trail Trail) {
	events := make([]auth.Event, 1001)
	for i := range events {
		events[i] = event()
		events[i].Detail = fmt.Sprint(i)
	}
	must(t, trail.Append(t.Context(), events...))
	holds(t, trail, events...)
}

func testRepeatedEvents(t *testing.T, _ auth.Users, trail Trail) {
	first, second := event(), event()
	must(t, trail.Append(t.Context(), first))
	forged := first
	forged.Detail, forged.UserID = "never happened", rand.Text()
	must(t, trail.Append(t.Context(), forged, second, second))
	holds(t, trail, first, second)
}

func testEventTooLong(t *testing.T, users auth.Users, trail Trail) {
	long := event()
	long.UserAgent = "x" + strings.Repeat("🦊", 1<<16) // a cut at any round number splits one
	long.Detail = strings.Repeat("é", 4000)
	long.RequestID = strings.Repeat("r", 4000)
	long.IP = strings.Repeat("1", 4000)
	broken := event()
	broken.UserAgent = "caf\xe9 browser \xe2\x82"
	broken.Detail, broken.RequestID, broken.IP = "\xff", "\xfe", "\xfd"
	broken.UserID, broken.ActorID, broken.SessionID = "\xff", "\xff", "\xff"
	must(t, trail.Append(t.Context(), long, broken))
	u := person()
	registered := long
	registered.ID = rand.Text()
	must(t, users.Create(t.Context(), u, registered))

	for _, e := range trail.Events(t) {
		if e.ID == broken.ID {
			want := broken
			want.UserAgent = "caf\uFFFD browser \uFFFD"
			want.Detail, want.RequestID, want.IP = "\uFFFD", "\uFFFD", "\uFFFD"
			want.UserID, want.ActorID, want.SessionID = "\uFFFD", "\uFFFD", "\uFFFD"
			same(t, "bytes that are not UTF-8", e, want)
			continue
		}
		if n := len(e.UserAgent); n < 200 || n > 256 || !strings.HasPrefix(long.UserAgent, e.UserAgent) {
			t.Errorf("the user agent was cut to %d bytes: %q", n, e.UserAgent)
		}
		for field, kept := range map[string]string{long.Detail: e.Detail, long.RequestID: e.RequestID, long.IP: e.IP} {
			if kept == "" || !strings.HasPrefix(field, kept) {
				t.Errorf("%.9q… was cut to %q", field, kept)
			}
		}
	}
	if n := len(trail.Events(t)); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}

func testEventWithoutID(t *testing.T, users auth.Users, trail Trail) {
	nameless, good := event(), event()
	nameless.ID = ""
	if err := trail.Append(t.Context(), good, nameless); !errors.Is(err, auth.ErrDatabase) {
		t.Errorf("Append: %v, want ErrDatabase", err)
	}
	u := person()
	if err := users.Create(t.Context(), u, nameless); !errors.Is(err, auth.ErrDatabase) {
		t.Errorf("Create: %v, want ErrDatabase", err)
	}
	unknown(t, users, u.ID, u.Email.Key)
	holds(t, trail)
}

func testCreateTogether(t *testing.T, users auth.Users, trail Trail) {
	u := person()
	e := registration(u)
	must(t, users.Create(t.Context(), u, e))
	holds(t, trail, e)

	// No account: no event.
	second := person()
	second.Email.Key = u.Email.Key
	if err := users.Create(t.Context(), second, registration(second)); !errors.Is(err, auth.ErrEmailTaken) {
		t.Errorf("second account: %v, want ErrEmailTaken", err)
	}
	holds(t, trail, e)

	// No event: no account, and the address stays free.
	third := person()
	used := registration(third)
	used.ID = e.ID
	if err := users.Create(t.Context(), third, used); !errors.Is(err, auth.ErrDatabase) || errors.Is(err, auth.ErrEmailTaken) {
		t.Errorf("an event with a used ID: %v, want ErrDatabase", err)
	}
	unknown(t, users, third.ID, third.Email.Key)
	holds(t, trail, e)
	again := registration(third)
	must(t, users.Create(t.Context(), third, again))
	known(t, users, third)
	holds(t, trail, e, again)
}

func testSignUpRaceEvents(t *testing.T, users auth.Users, trail Trail) {
	const racers = 32
	var run errgroup.Group
	won := make(chan auth.Event, racers)
	for range racers {
		u := person()
		u.Email.Key = "race@example.com"
		run.Go(func() error {
			e := registration(u)
			err := users.Create(t.Context(), u, e)
			if err == nil {
				won <- e
			}
			if errors.Is(err, auth.ErrEmailTaken) {
				return nil
			}
			return err
		})
	}
	must(t, run.Wait())
	if len(won) != 1 {
		t.Fatalf("%d accounts were made, want 1", len(won))
	}
	holds(t, trail, <-won)
}

func testAuditCancelled(t *testing.T, _ auth.Users, trail Trail) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := trail.Append(cancelled, event()); !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, context.Canceled) {
		t.Errorf("Append: %v, want ErrDatabase and context.Canceled", err)
	}
	holds(t, trail)
}
