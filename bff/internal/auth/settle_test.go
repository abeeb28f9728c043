package auth_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// stalling holds back one page: what a change does next, after it is stored.
type stalling struct {
	auth.Sessions
	armed         atomic.Bool
	reached, goOn chan struct{}
}

func (s *stalling) Page(ctx context.Context, userID, cursor string) ([]auth.Session, string, error) {
	if s.armed.CompareAndSwap(true, false) {
		close(s.reached)
		<-s.goOn
	}
	return s.Sessions.Page(ctx, userID, cursor)
}

// A demoted administrator who changed their name at the same moment was one
// again: the older change was written last, with the account it had stored.
func TestOlderChangeDoesNotUndoANewerOne(t *testing.T) {
	slow := &stalling{reached: make(chan struct{}), goOn: make(chan struct{})}
	h := open(t, func(d *auth.Deps) { slow.Sessions = d.Sessions; d.Sessions = slow })
	boss, ada := h.with("boss@example.com", auth.RoleAdmin), h.with(adaEmail, auth.RoleAdmin)
	slow.armed.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := h.Rename(context.Background(), ada.Principal, "Ada L.")
		done <- err
	}()
	<-slow.reached // the name is stored
	if _, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, value(auth.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	if err != nil || g.Principal.Role != auth.RoleUser {
		t.Errorf("%q, %v; want what the database says", g.Principal.Role, err)
	}
	rec, err := h.sessions.Get(t.Context(), ada.Principal.UserID, ada.Principal.SessionID)
	if err != nil || rec.Account.Role != auth.RoleUser || rec.Account.Name != "Ada L." {
		t.Errorf("the record says %+v, %v", rec.Account, err)
	}
}

// A replica took over that had not heard of the change: the record says the
// old role, and whoever brought its pair rotated it.
func TestFailoverThatLosesAChangeOfRole(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", auth.RoleAdmin), h.with(adaEmail, auth.RoleAdmin)
	before, err := h.sessions.Get(t.Context(), ada.Principal.UserID, ada.Principal.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), boss.Principal, before.UserID, value(auth.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sessions.Create(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
		if err != nil || g.Principal.Role != auth.RoleUser || g.Cookies == nil || g.Cookies.Generation != before.Generation {
			t.Errorf("%+v, %v; want the new role in the same generation", g, err)
		}
	}
}

// Changes that follow each other date a pair ahead of the clock, and the mark
// that ended it was forgotten before it was.
func TestChangesDateAPairAheadByNoMoreThanMarksAreKept(t *testing.T) {
	h := open(t)
	ada := h.with(adaEmail, auth.RoleUser)
	var refused *refusal.Error
	for i := range 100 {
		role := []auth.Role{auth.RoleAdmin, auth.RoleUser}[i%2]
		err := h.AccountChanged(t.Context(), ada.Principal.UserID, auth.Account{Email: adaEmail, Role: role})
		if errors.As(err, &refused) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if refused == nil || refused.Code != refusal.Busy || refused.RetryAfter <= 0 {
		t.Fatalf("a hundred changes in one second: %v", refused)
	}
	rec, err := h.sessions.Get(t.Context(), ada.Principal.UserID, ada.Principal.SessionID)
	if ahead := rec.IssuedAt.Sub(h.clock.Now()); err != nil || ahead > 30*time.Second {
		t.Errorf("dated %s ahead, %v", ahead, err)
	}
}

// A copy made before the change was good a minute after it, because the own
// session was given a new date only.
func TestPasswordChangeRotatesAlsoWhileSettling(t *testing.T) {
	for _, writer := range []string{"", "another writer comes between"} {
		t.Run(writer, func(t *testing.T) {
			store := &contended{}
			h, first := arrived(t, func(d *auth.Deps) { store.Sessions, d.Sessions = d.Sessions, store })
			h.clock.Advance(16 * time.Minute)
			second, err := h.Authenticate(t.Context(), "", first.Refresh)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := h.sessions.Get(t.Context(), first.UserID, first.SessionID)
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Set(auth.ModelAccessEnd(rec).Add(-20 * time.Second))
			if _, err := h.Authenticate(t.Context(), "", first.Refresh); err != nil { // its answer was lost
				t.Fatal(err)
			}
			store.version = rec.Version + 1 // of the first swap after the one that settles
			if writer == "" {
				store.version = 0
			}
			changed, err := h.ChangePassword(t.Context(), second.Principal, adaPassword, newPassword)
			if err != nil || changed.Cookies.Generation != second.Cookies.Generation+1 {
				t.Fatalf("%+v, %v; want the next generation", changed.Cookies, err)
			}
			h.who(changed.Cookies)
			h.clock.Advance(time.Minute)
			_, err = h.Authenticate(t.Context(), "", second.Cookies.Refresh)
			wantCode(t, err, refusal.RefreshReuse)
		})
	}
}

// contended lets another writer, a receipt say, be first at one version.
type contended struct {
	auth.Sessions
	version uint64
}

func (c *contended) Swap(ctx context.Context, old, next auth.Session) error {
	if c.version != 0 && old.Version >= c.version {
		c.version = 0
		if err := c.Sessions.Swap(ctx, old, old); err != nil {
			return err
		}
	}
	return c.Sessions.Swap(ctx, old, next)
}

// Somebody with two pairs of one generation presented the older one whenever
// the access token was about to die: it settled, the owner's pair was always an
// older one too, and no rotation ever showed that they were two.
func TestThiefCannotKeepAGenerationSettling(t *testing.T) {
	h, stolen := arrived(t)
	get := func(refresh string) (*auth.Cookies, error) {
		g, err := h.Authenticate(t.Context(), "", refresh)
		return g.Cookies, err
	}
	must := func(refresh string) *auth.Cookies {
		t.Helper()
		c, err := get(refresh)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	h.clock.Advance(16 * time.Minute)
	older := must(stolen.Refresh)
	h.clock.Advance(16 * time.Minute)
	must(stolen.Refresh)
	newer := must(older.Refresh) // the same generation, two pairs
	victim := must(stolen.Refresh)
	for round := range 20 {
		h.who(newer)
		h.who(victim)
		rec, err := h.sessions.Get(t.Context(), stolen.UserID, stolen.SessionID)
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Set(auth.ModelAccessEnd(rec).Add(-10 * time.Second))
		if _, err = get(older.Refresh); err == nil {
			older = newer
			var c *auth.Cookies
			if c, err = get(newer.Refresh); c != nil {
				newer = c
			}
		}
		if err == nil {
			h.who(newer)
			h.clock.Advance(10 * time.Minute)
			var c *auth.Cookies
			if c, err = get(victim.Refresh); c != nil {
				victim = c
			}
		}
		if err != nil {
			wantCode(t, err, refusal.RefreshReuse)
			if round < 2 {
				t.Errorf("caught in round %d: that tries nothing", round)
			}
			return
		}
	}
	t.Errorf("not caught in 20 rounds, generation %d", newer.Generation)
}

// A replica took over that lacked a rotation and the change of role after it.
// The record was brought to the announced generation, and kept from the one
// before that it had been in use for long: the tab that still had the parent,
// whose answer was lost, was signed out as a thief. The lost record says that
// the child has not arrived.
func TestFailoverThatLosesARotationAndAChangeSignsNoTabOut(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", auth.RoleAdmin), h.with(adaEmail, auth.RoleAdmin)
	userID, id := ada.Principal.UserID, ada.Principal.SessionID
	h.clock.Advance(16 * time.Minute)
	parent, err := h.Authenticate(t.Context(), "", ada.Cookies.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	h.who(parent.Cookies) // in use
	h.clock.Advance(16 * time.Minute)
	rec, err := h.sessions.Get(t.Context(), userID, id)
	if err != nil {
		t.Fatal(err)
	}
	replica := rec
	replica.ReceivedAt, replica.SettlesAt, replica.Redates = h.clock.Now().Add(-16*time.Minute), h.clock.Now().Add(time.Minute), 3
	if _, err := h.Authenticate(t.Context(), "", parent.Cookies.Refresh); err != nil { // its answer is lost
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), boss.Principal, userID, value(auth.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sessions.Create(t.Context(), replica); err != nil { // the failover
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), parent.Cookies.Access, parent.Cookies.Refresh)
	if err != nil || g.Cookies == nil || g.Cookies.Generation != 3 || g.Principal.Role != auth.RoleUser {
		t.Fatalf("the tab with the parent: %+v, %v; want generation 3 as user", g, err)
	}
	rec, err = h.sessions.Get(t.Context(), userID, id)
	if err != nil || !rec.ReceivedAt.IsZero() || !rec.SettlesAt.IsZero() || rec.Redates != 0 {
		t.Errorf("generation %d has from the one before: received %s, settles %s, %d dates, %v", rec.Generation, rec.ReceivedAt, rec.SettlesAt, rec.Redates, err)
	}
	// A copy from two generations before is a theft, failover or not.
	_, err = h.Authenticate(t.Context(), "", ada.Cookies.Refresh)
	wantCode(t, err, refusal.RefreshReuse)
	_, err = h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}
