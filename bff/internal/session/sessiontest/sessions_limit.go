package sessiontest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// createSession stores x, for which there is space.
func createSession(t *testing.T, s session.Store, x session.Record) {
	t.Helper()
	displaced, err := s.Create(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if len(displaced) > 0 {
		t.Errorf("%d sessions of %q were removed, with space for one more", len(displaced), x.UserID)
	}
}

// ListSessions gives all live sessions of a user, newest first.
func ListSessions(ctx context.Context, s session.Store, userID string) (list []session.Record, err error) {
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, next, err := s.Page(ctx, userID, cursor)
		if err != nil {
			return nil, err
		}
		for _, x := range page {
			if !seen[x.ID] {
				seen[x.ID] = true
				list = append(list, x)
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	slices.SortFunc(list, func(a, b session.Record) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// full gives an account as many sessions as it may have, each seen a second
// after the one before, whatever the order of sign-in, of ending and of ids.
func full(t *testing.T, s Store, clock *Clock, user string) []session.Record {
	t.Helper()
	all := make([]session.Record, session.MaxSessions)
	for i := range all {
		x := sample(user, clock.Now())
		x.CreatedAt = x.CreatedAt.Add(-time.Duration(i) * time.Minute)
		x.IdleEnd = x.IdleEnd.Add(-time.Duration(i) * time.Second)
		x.LastSeenAt = clock.Now().Add(time.Duration(i-session.MaxSessions) * time.Second).Truncate(time.Millisecond).UTC()
		all[i] = x
	}
	for i := range all { // in an order that is neither
		createSession(t, s, all[(i*37)%len(all)])
	}
	return all
}

// wantMost fails unless the user has session.MaxSessions, and gives their ids.
func wantMost(t *testing.T, s Store, user string) map[string]bool {
	t.Helper()
	list, err := ListSessions(t.Context(), s, user)
	must(t, err)
	if len(list) != session.MaxSessions {
		t.Errorf("%d sessions, want %d", len(list), session.MaxSessions)
	}
	ids := map[string]bool{}
	for _, x := range list {
		ids[x.ID] = true
	}
	return ids
}

func testSessionLimit(t *testing.T, s Store, clock *Clock) {
	user := rand.Text()
	other := sample(rand.Text(), clock.Now())
	createSession(t, s, other)
	all := full(t, s, clock, user)
	for i := range 3 {
		x := sample(user, clock.Advance(time.Second))
		x.LastSeenAt = clock.Now().Add(-24 * time.Hour) // the new one stays, whatever its clock says
		displaced, err := s.Create(t.Context(), x)
		must(t, err)
		same(t, "made space", displaced, []string{all[i].ID})
		end := revocation(all[i], clock.Now())
		end.Reason = session.ReasonSessionLimit
		must(t, s.End(t.Context(), end))
		gone(t, s, all[i])
		f := Subscribe(t, peer(t, s), time.Hour)
		f.Expect(t, end)
		f.Stop(t)
		there(t, s, tidy(x))
		x.LastSeenAt = clock.Now().Add(24 * time.Hour).Truncate(time.Millisecond).UTC()
		stored, err := s.Get(t.Context(), user, x.ID)
		must(t, err)
		must(t, s.Swap(t.Context(), stored, x))
		wantMost(t, s, user)
	}
	there(t, s, other)
	// A session that has ended leaves its place to the next one.
	must(t, s.End(t.Context(), revocation(all[50], clock.Now())))
	createSession(t, s, sample(user, clock.Now()))
	wantMost(t, s, user)
}

// tidy is x as a store gives its times back.
func tidy(x session.Record) session.Record {
	x.LastSeenAt = x.LastSeenAt.Truncate(time.Millisecond).UTC()
	return x
}

func testSessionLimitTies(t *testing.T, s Store, clock *Clock) {
	user := rand.Text()
	var all []session.Record
	for i := range session.MaxSessions {
		x := sample(user, clock.Now())
		x.ID = fmt.Sprintf("s%03d", session.MaxSessions-i/2*2) + x.ID
		x.CreatedAt = x.CreatedAt.Add(time.Duration(i/2) * time.Second) // two of each moment
		x.LastSeenAt = clock.Now().Truncate(time.Millisecond).UTC()
		all = append(all, x)
	}
	for i := range all {
		createSession(t, s, all[(i*37)%len(all)])
	}
	slices.SortFunc(all, func(a, b session.Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for i := range 5 {
		x := sample(user, clock.Now().Add(time.Hour))
		displaced, err := s.Create(t.Context(), x)
		must(t, err)
		same(t, "made space", displaced[len(displaced)-1:], []string{all[i].ID})
		must(t, s.End(t.Context(), revocation(all[i], clock.Now())))
	}
	wantMost(t, s, user)
}

func testSessionLimitExpired(t *testing.T, s Store, clock *Clock) {
	user := rand.Text()
	stays := sample(user, clock.Now())
	stays.LastSeenAt = stays.LastSeenAt.Add(-time.Hour)
	createSession(t, s, stays)
	for range session.MaxSessions - 1 {
		x := sample(user, clock.Now())
		x.IdleEnd = clock.Now().Add(time.Minute).Truncate(time.Millisecond).UTC()
		createSession(t, s, x)
	}
	clock.Advance(time.Minute)
	for range session.MaxSessions - 1 {
		createSession(t, s, sample(user, clock.Now()))
	}
	if ids := wantMost(t, s, user); !ids[stays.ID] {
		t.Error("a session made space for others although most had ended")
	}
	// One that has ended before it is stored takes no place.
	late := sample(user, clock.Now())
	late.IdleEnd = clock.Now()
	createSession(t, s, late)
	wantMost(t, s, user)
}

func testSessionLimitRace(t *testing.T, s Store, clock *Clock) {
	user, at := rand.Text(), []Store{s, peer(t, s)}
	all := full(t, s, clock, user)
	must(t, s.End(t.Context(), revocation(all[99], clock.Now())))
	made := make([]session.Record, 50)
	out := make([][]string, len(made))
	var start errgroup.Group
	open := make(chan struct{})
	for i := range made {
		made[i] = sample(user, clock.Now())
		made[i].LastSeenAt = clock.Now().Truncate(time.Millisecond).UTC()
		start.Go(func() (err error) {
			<-open
			for { // on a machine that does ten things at once an answer may come late
				if out[i], err = at[i%2].Create(t.Context(), made[i]); !errors.Is(err, session.ErrSessionStore) || t.Context().Err() != nil {
					return err
				}
			}
		})
	}
	close(open)
	must(t, start.Wait())
	ids := wantMost(t, s, user)
	for _, x := range made {
		if !ids[x.ID] {
			t.Errorf("a session of those that were made at once is gone")
		}
	}
	want := map[string]bool{}
	for _, x := range all[:49] {
		want[x.ID] = true
		gone(t, s, x)
	}
	for _, displaced := range out {
		for _, id := range displaced {
			if ids[id] || !slices.ContainsFunc(all[:49], func(x session.Record) bool { return x.ID == id }) {
				t.Errorf("said to have made space: %q, which was not seen longest ago", id)
			}
			delete(want, id)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d of 49 sessions are gone and were not said to be", len(want))
	}
}

func testSessionLimitRepeated(t *testing.T, s Store, clock *Clock) {
	user := rand.Text()
	all := full(t, s, clock, user)
	for range 3 {
		createSession(t, s, all[0])
	}
	wantMost(t, s, user)
}
