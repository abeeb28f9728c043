package redisstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// crowd writes sessions of one user as a version without a limit left them.
// Each ends a second after the one before.
func crowd(t *testing.T, s *redisstore.Store, look *redis.Client, user string, n int, now time.Time) {
	t.Helper()
	model := typical(user, "model", now)
	create(t, s, model)
	text, err := look.Get(t.Context(), "refresh:{"+user+"}:model").Result()
	must(t, err)
	must(t, s.End(t.Context(), revocation(model, now)))
	for from := 0; from < n; from += 5000 {
		_, err := look.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := from; i < min(n, from+5000); i++ {
				id := fmt.Sprintf("s%06d", i)
				end := now.Add(100 * time.Hour).Add(time.Duration(i) * time.Second)
				p.Set(t.Context(), "refresh:{"+user+"}:"+id, text, 100*time.Hour)
				p.ZAdd(t.Context(), "sessions:{"+user+"}", redis.Z{Score: float64(end.UnixMilli()), Member: id})
			}
			return nil
		})
		must(t, err)
	}
}

// A sign-in of an account that has more sessions than it may ends those that
// end first, in steps: one script that removed 160,000 would hold up everybody.
func TestSurplusIsRemovedInSteps(t *testing.T) {
	server := servertest.Redis(t)
	s, look := open(t, server.URL, time.Now), raw(t, server.URL)
	const surplus = 3000
	crowd(t, s, look, "u", surplus, time.Now())
	left := surplus
	for i := range 40 {
		displaced, err := s.Create(t.Context(), typical("u", fmt.Sprint("new", i), time.Now()))
		must(t, err)
		left++
		want := min(left-session.MaxSessions, 101)
		if len(displaced) != want {
			t.Fatalf("sign-in %d removed %d sessions, want %d", i, len(displaced), want)
		}
		left -= want
		ends := make([]session.Revocation, 0, want)
		for _, id := range displaced {
			ends = append(ends, session.Revocation{UserID: "u", SessionID: id, Reason: session.ReasonSessionLimit, At: time.Now()})
		}
		must(t, s.End(t.Context(), ends...))
	}
	list, err := sessiontest.ListSessions(t.Context(), s, "u")
	if err != nil || len(list) != session.MaxSessions {
		t.Errorf("%d sessions are left, %v, want %d", len(list), err, session.MaxSessions)
	}
	for i := range 40 { // each was new, and stays
		if _, err := s.Get(t.Context(), "u", fmt.Sprint("new", i)); err != nil {
			t.Errorf("new session %d: %v", i, err)
		}
	}
	if n, err := look.Exists(t.Context(), "sessions:{u}:displaced").Result(); err != nil || n != 0 {
		t.Errorf("%d keys of displaced sessions are left, %v", n, err)
	}
}

// Every session is on a page while others come and go, and no page is large.
func TestPagesOfACrowd(t *testing.T) {
	server := servertest.Redis(t)
	s, look := open(t, server.URL, time.Now), raw(t, server.URL)
	const n = 7000
	crowd(t, s, look, "u", n, time.Now())
	seen := map[string]bool{}
	largest := 0
	for cursor := ""; ; {
		page, next, err := s.Page(t.Context(), "u", cursor)
		must(t, err)
		largest = max(largest, len(page))
		for i, x := range page {
			seen[x.ID] = true
			if i%2 == 0 { // what has been seen ends
				must(t, s.End(t.Context(), revocation(x, time.Now())))
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(seen) != n || largest > 1000 {
		t.Errorf("%d of %d sessions were on pages, the largest of %d", len(seen), n, largest)
	}
}

// Thousands of sessions that end in one moment are forgotten a few hundred at a
// time.
func TestCrowdThatExpiresAtOnce(t *testing.T) {
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	s, look := open(t, server.URL, clock.Now), raw(t, server.URL)
	crowd(t, s, look, "u", 2200, clock.Now())
	clock.Advance(200 * time.Hour)
	card := func() int64 {
		t.Helper()
		n, err := look.ZCard(t.Context(), "sessions:{u}").Result()
		must(t, err)
		return n
	}
	for i := range 6 {
		x := typical("u", fmt.Sprint("new", i), clock.Now())
		create(t, s, x) // what has ended takes no space
		if got, want := card(), int64(max(2200-500*(i+1), 0)+i+1); got != want {
			t.Errorf("after %d sign-ins the index has %d entries, want %d", i+1, got, want)
		}
	}
	if list, err := sessiontest.ListSessions(t.Context(), s, "u"); err != nil || len(list) != 6 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

// The process that removed a session ended before it had announced it.
func TestDisplacedSessionIsGivenAgainUntilItIsEnded(t *testing.T) {
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	clock := sessiontest.NewClock()
	s := open(t, server.URL, clock.Now)
	for i := range session.MaxSessions {
		x := typical("u", fmt.Sprintf("s%03d", i), clock.Now())
		x.LastSeenAt = x.LastSeenAt.Add(time.Duration(i) * time.Second)
		create(t, s, x)
	}
	clock.Advance(time.Hour)
	must(t, look.Do(t.Context(), "ACL", "SETUSER", "silent", "on", ">hunter2", "~*", "+@all", "-xadd").Err())
	silent := open(t, strings.Replace(server.URL, "redis://", "redis://silent:hunter2@", 1), clock.Now)
	x := typical("u", "new", clock.Now())
	displaced, err := silent.Create(t.Context(), x)
	if err != nil || len(displaced) != 1 || displaced[0] != "s000" {
		t.Fatalf("removed %q, %v", displaced, err)
	}
	end := revocation(typical("u", "s000", clock.Now()), clock.Now())
	if err := silent.End(t.Context(), end); !errors.Is(err, session.ErrSessionStore) {
		t.Fatalf("announced all the same: %v", err)
	}
	// Until then it is for the one that removed it: given to each sign-in, it was
	// announced, and told in the trail, by all that came at once.
	if soon, err := s.Create(t.Context(), typical("u", "newer", clock.Now())); err != nil || len(soon) != 1 || soon[0] != "s001" {
		t.Fatalf("given %q, %v; want what it removed itself", soon, err)
	}
	must(t, s.End(t.Context(), revocation(typical("u", "s001", clock.Now()), clock.Now())))
	clock.Advance(10 * time.Second)
	again, err := s.Create(t.Context(), typical("u", "newest", clock.Now()))
	if err != nil || len(again) != 2 {
		t.Fatalf("given %q, %v; want the one that was not announced, too", again, err)
	}
	f := sessiontest.Subscribe(t, s, time.Hour)
	for _, id := range again {
		if id != "s000" {
			must(t, s.End(t.Context(), revocation(typical("u", id, clock.Now()), clock.Now())))
		}
	}
	must(t, s.End(t.Context(), end))
	f.Expect(t, end)
	if n, err := look.Exists(t.Context(), "sessions:{u}:displaced").Result(); err != nil || n != 0 {
		t.Errorf("it still waits, %v", err)
	}
}
