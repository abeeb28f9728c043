package auth_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// stalling holds back one page: what a change does next, after it is stored.
type stalling struct {
	session.Store
	armed         atomic.Bool
	reached, goOn chan struct{}
}

func (s *stalling) Page(ctx context.Context, userID, cursor string) ([]session.Record, string, error) {
	if s.armed.CompareAndSwap(true, false) {
		close(s.reached)
		<-s.goOn
	}
	return s.Store.Page(ctx, userID, cursor)
}

// A demoted administrator who changed their name at the same moment was one
// again: the older change was written last, with the account it had stored.
func TestOlderChangeDoesNotUndoANewerOne(t *testing.T) {
	slow := &stalling{reached: make(chan struct{}), goOn: make(chan struct{})}
	h := open(t, func(d *auth.Deps) { slow.Store = d.Sessions; d.Sessions = slow })
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleAdmin)
	slow.armed.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := h.Rename(context.Background(), ada.Principal, "Ada L.")
		done <- err
	}()
	<-slow.reached // the name is stored
	if _, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, value(session.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	if err != nil || g.Principal.Role != session.RoleUser {
		t.Errorf("%q, %v; want what the database says", g.Principal.Role, err)
	}
	rec, err := h.sessions.Get(t.Context(), ada.Principal.UserID, ada.Principal.SessionID)
	if err != nil || rec.Account.Role != session.RoleUser || rec.Account.Name != "Ada L." {
		t.Errorf("the record says %+v, %v", rec.Account, err)
	}
}

// A replica took over that had not heard of the change: the record says the
// old role, and whoever brought its pair rotated it.
func TestFailoverThatLosesAChangeOfRole(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleAdmin)
	before, err := h.sessions.Get(t.Context(), ada.Principal.UserID, ada.Principal.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), boss.Principal, before.UserID, value(session.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sessions.Create(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
		if err != nil || g.Principal.Role != session.RoleUser || g.Cookies == nil || g.Cookies.Generation != before.Generation {
			t.Errorf("%+v, %v; want the new role in the same generation", g, err)
		}
	}
}

// Changes that follow each other date a pair ahead of the clock, and the mark
// that ended it was forgotten before it was.
func TestChangesDateATokenPairAheadByLessThanRevocationsAreKept(t *testing.T) {
	h := open(t)
	ada := h.with(adaEmail, session.RoleUser)
	var refused *refusal.Error
	for i := range 100 {
		role := []session.Role{session.RoleAdmin, session.RoleUser}[i%2]
		err := h.accountChanged(t.Context(), ada.Principal.UserID, session.Account{Email: adaEmail, Role: role})
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
func TestPasswordChangeRotatesWithinTheReissueWindow(t *testing.T) {
	for _, writer := range []string{"", "another writer comes between"} {
		t.Run(writer, func(t *testing.T) {
			store := &contended{}
			h, first := arrived(t, func(d *auth.Deps) { store.Store, d.Sessions = d.Sessions, store })
			h.clock.Advance(16 * time.Minute)
			second, err := h.Authenticate(t.Context(), "", first.Refresh)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := h.sessions.Get(t.Context(), first.UserID, first.SessionID)
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Set(h.accessEnd(second.Cookies).Add(-20 * time.Second))
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

// contended lets another writer, an ack say, be first at one version.
type contended struct {
	session.Store
	version uint64
}

func (c *contended) Swap(ctx context.Context, old, next session.Record) error {
	if c.version != 0 && old.Version >= c.version {
		c.version = 0
		if err := c.Store.Swap(ctx, old, old); err != nil {
			return err
		}
	}
	return c.Store.Swap(ctx, old, next)
}

// A replica took over that lacked a rotation and the change of role after it.
// The record was brought to the announced generation, and kept from the one
// before that it had been in use for long: the tab that still had the parent,
// whose answer was lost, was signed out as a thief. The lost record says that
// the child has not arrived.
func TestFailoverThatLosesARotationAndAChangeSignsNoTabOut(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleAdmin)
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
	replica.ReceivedAt, replica.ReissueUntil, replica.Reissues = h.clock.Now().Add(-16*time.Minute), h.clock.Now().Add(time.Minute), 3
	if _, err := h.Authenticate(t.Context(), "", parent.Cookies.Refresh); err != nil { // its answer is lost
		t.Fatal(err)
	}
	if _, err := h.ChangeUser(t.Context(), boss.Principal, userID, value(session.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sessions.Create(t.Context(), replica); err != nil { // the failover
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), parent.Cookies.Access, parent.Cookies.Refresh)
	if err != nil || g.Cookies == nil || g.Cookies.Generation != 3 || g.Principal.Role != session.RoleUser {
		t.Fatalf("the tab with the parent: %+v, %v; want generation 3 as user", g, err)
	}
	rec, err = h.sessions.Get(t.Context(), userID, id)
	if err != nil || !rec.ReceivedAt.IsZero() || !rec.ReissueUntil.IsZero() || rec.Reissues != 0 {
		t.Errorf("generation %d has from the one before: received %s, settles %s, %d dates, %v", rec.Generation, rec.ReceivedAt, rec.ReissueUntil, rec.Reissues, err)
	}
	// A copy from two generations before is a theft, failover or not.
	_, err = h.Authenticate(t.Context(), "", ada.Cookies.Refresh)
	wantCode(t, err, refusal.RefreshReuse)
	_, err = h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}
