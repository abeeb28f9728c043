package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Any number of sign-ins left any number of sessions, until the account could
// not be disabled any more.
func TestHundredAndFirstSignInEndsTheSessionSeenLongestAgo(t *testing.T) {
	h := open(t)
	user := h.register()
	all := make([]*session.Cookies, session.MaxSessions)
	for i := range all {
		h.clock.Advance(time.Second)
		all[i] = h.signIn(false)
	}
	h.clock.Advance(2 * time.Minute)
	h.who(all[0]) // in use: seen later than the second one
	eventually(t, "the use to be stored", func() bool {
		rec, err := h.sessions.Get(t.Context(), user.ID, all[0].SessionID)
		return err == nil && rec.LastSeenAt.After(rec.CreatedAt)
	})
	news, stop, err := h.Watch(all[1].SessionID)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	last := h.signIn(false)

	if r := <-news; r.Reason != session.ReasonSessionLimit {
		t.Errorf("its live streams were told %+v", r)
	}
	if r := <-h.ended; r.SessionID != all[1].SessionID || r.Reason != session.ReasonSessionLimit {
		t.Errorf("its sockets were told %+v", r)
	}
	_, err = h.Authenticate(t.Context(), all[1].Access, all[1].Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	for _, c := range []*session.Cookies{all[0], all[2], last} {
		h.who(c)
	}
	eventually(t, "the audit event", func() bool {
		e := h.eventsOf(auth.EventSessionRevoked)
		return len(e) == 1 && e[0].SessionID == all[1].SessionID && e[0].UserID == user.ID && e[0].Detail == "session_limit"
	})
	list, err := h.List(t.Context(), h.who(last))
	if err != nil || len(list) != session.MaxSessions {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

// The record is gone in the step that stores the new one; an announcement that
// fails then was lost with the process that should have made it.
func TestDisplacedSessionIsAnnouncedAfterAnOutage(t *testing.T) {
	h, first, store := withStubborn(t)
	for range session.MaxSessions - 1 {
		h.clock.Advance(time.Second)
		h.signIn(false)
	}
	store.refuses.Store(true)
	h.signIn(false) // and it succeeds
	_, err := h.Authenticate(t.Context(), first.Access, first.Refresh)
	wantCode(t, err, refusal.SessionRevoked) // at once on this instance
	if n := store.ended.Load(); n != 0 {
		t.Fatalf("%d ends: that tries nothing", n)
	}
	store.refuses.Store(false)
	eventually(t, "the end and its event", func() bool {
		return store.ended.Load() == 1 && len(h.eventsOf(auth.EventSessionRevoked)) == 1
	})
}

// crowded is a store that has an account from before there was a limit.
type crowded struct {
	session.Store
	of    string
	extra int
	pages int
	ended int
	fails bool // in the middle
}

func (c *crowded) Page(ctx context.Context, userID, cursor string) ([]session.Record, string, error) {
	if userID != c.of {
		return c.Store.Page(ctx, userID, cursor)
	}
	c.pages++
	var at int
	if _, err := fmt.Sscan(cursor, &at); err != nil && cursor != "" {
		return nil, "", err
	}
	if c.fails && at >= c.extra/2 {
		return nil, "", session.ErrSessionStore
	}
	if at >= c.extra {
		return c.Store.Page(ctx, userID, "")
	}
	page := make([]session.Record, 0, 500)
	for ; len(page) < 500 && at < c.extra; at++ {
		page = append(page, session.Record{ID: fmt.Sprintf("old%d", at), UserID: userID, Account: session.Account{Role: session.RoleUser}})
	}
	return page, fmt.Sprint(at), nil
}

func (c *crowded) End(ctx context.Context, ends ...session.Revocation) error {
	if len(ends) > 500 {
		return errors.New("more sessions than a page has, at once")
	}
	c.ended += len(ends)
	return c.Store.End(ctx, ends...)
}

func withCrowd(t *testing.T, extra int) (*harness, *session.Cookies, *crowded) {
	t.Helper()
	store := &crowded{extra: extra}
	h, c := arrived(t, func(d *auth.Deps) {
		store.Store, d.Sessions, d.OnRevocation = d.Sessions, store, nil
		d.Limits.Password = session.Allowance{Count: 1000, Per: time.Second}
	})
	store.of = c.UserID
	return h, c, store
}

// With 160,001 sessions of one account each of these ran into the time limit of
// one question to the store, and changed nothing.
func TestAccountWithAnyNumberOfSessionsCanBeChanged(t *testing.T) {
	const extra = 20_000
	boss := session.Principal{UserID: "operator"}
	for name, tt := range map[string]struct {
		do   func(h *harness, who session.Principal) error
		left bool
		say  string
	}{
		"disabled": {func(h *harness, who session.Principal) error {
			_, err := h.ChangeUser(t.Context(), boss, who.UserID, nil, value(false))
			return err
		}, false, "account_disabled: 20001 sessions"},
		"signed out": {func(h *harness, who session.Principal) error {
			return h.EndUserSessions(t.Context(), boss, who.UserID)
		}, false, "ended_by_admin: 20001 sessions"},
		"another password by the operator": {func(h *harness, who session.Principal) error {
			user, err := h.UserByEmail(t.Context(), adaEmail)
			if err == nil {
				err = h.SetPassword(t.Context(), boss, user, newPassword)
			}
			return err
		}, false, "password_changed: 20001 sessions"},
		"others signed out": {func(h *harness, who session.Principal) error {
			return h.EndSessions(t.Context(), who, true)
		}, true, "ended_by_user: 20000 sessions"},
		"all signed out": {func(h *harness, who session.Principal) error {
			return h.EndSessions(t.Context(), who, false)
		}, false, "ended_by_user: 20000 sessions"},
		"deleted": {func(h *harness, who session.Principal) error {
			return h.DeleteAccount(t.Context(), who, adaPassword)
		}, false, "account_deleted: 20001 sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			h, c, store := withCrowd(t, extra)
			h.clock.Advance(time.Second)
			who := h.who(c)
			if err := tt.do(h, who); err != nil {
				t.Fatal(err)
			}
			want := extra + 1
			if tt.left {
				want--
				h.who(c)
			} else {
				_, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
				wantCode(t, err, refusal.SessionRevoked)
			}
			if store.ended != want {
				t.Errorf("%d sessions were ended, want %d", store.ended, want)
			}
			// One event, not one for each: they pushed others' out of the queue.
			h.stop()
			var says []string
			for _, e := range h.eventsOf(auth.EventSessionRevoked) {
				says = append(says, e.Detail)
			}
			if len(says) == 0 || len(says) > 2 || says[0] != tt.say {
				t.Errorf("the trail says %q, want %q first, of 2 at most", says, tt.say)
			}
		})
	}
}

func TestListOfSessionsIsBounded(t *testing.T) {
	h, c, store := withCrowd(t, 20_000)
	list, err := h.List(t.Context(), h.who(c))
	if err != nil || len(list) != session.MaxSessions || store.pages != 1 {
		t.Fatalf("%d sessions of %d pages, %v", len(list), store.pages, err)
	}
	own := 0
	for _, x := range list {
		if x.ID == c.SessionID {
			own++
		}
	}
	if own != 1 {
		t.Errorf("the own session is there %d times", own)
	}
}

// The session store was asked first, and while it could not be, or had too much
// to tell, an account could not be disabled.
func TestChangeOfAnAccountIsStoredWhileTheSessionStoreIsAway(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleUser)
	h.sessions.Fail(errors.New("away"))
	_, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, nil, value(false))
	wantCode(t, err, refusal.SessionStoreUnavailable)
	user, err := h.users.ByID(t.Context(), ada.Principal.UserID)
	if err != nil || user.Active {
		t.Fatalf("still active, %v", err)
	}
	err = h.SetPassword(t.Context(), boss.Principal, user, newPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	if now, err := h.users.ByID(t.Context(), user.ID); err != nil || now.PasswordHash == user.PasswordHash {
		t.Errorf("the old password, %v", err)
	}
	h.sessions.Fail(nil)
	h.clock.Advance(6 * time.Second)
	h.FlushOutbox(t.Context())
	_, err = h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}

// A member's own change of password needs the record: behind a 503 that had
// changed it the old password would be wrong at the next try.
func TestOwnPasswordIsNotChangedWhileTheSessionStoreIsAway(t *testing.T) {
	h, c := arrived(t)
	who := h.who(c)
	h.sessions.Fail(errors.New("away"))
	_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	err = h.DeleteAccount(t.Context(), who, adaPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	h.sessions.Fail(nil)
	if _, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword); err != nil {
		t.Error(err)
	}
}

// readOnly is a store that has become a replica.
type readOnly struct {
	session.Store
	is bool
}

func (r *readOnly) Swap(ctx context.Context, old, next session.Record) error {
	if r.is {
		return session.ErrSessionStore
	}
	return r.Store.Swap(ctx, old, next)
}

func (r *readOnly) Page(ctx context.Context, userID, cursor string) ([]session.Record, string, error) {
	if r.is {
		return nil, "", session.ErrSessionStore
	}
	return r.Store.Page(ctx, userID, cursor)
}

// During a failover the record could be read, and the password was changed behind
// a 503.
func TestOwnPasswordIsNotChangedWhileTheSessionStoreIsReadOnly(t *testing.T) {
	store := &readOnly{}
	h, c := arrived(t, func(d *auth.Deps) { store.Store, d.Sessions = d.Sessions, store })
	who := h.who(c)
	store.is = true
	_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	err = h.DeleteAccount(t.Context(), who, adaPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	store.is = false
	if _, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword); err != nil {
		t.Error(err)
	}
}

// The record was lost with the store's memory, or ended a moment ago elsewhere:
// the password was changed behind a 401 that sends to the sign-in page, where the
// old one was wrong.
func TestOwnPasswordIsNotChangedWithoutTheSession(t *testing.T) {
	h, c := arrived(t)
	who := h.who(c)
	if err := h.sessions.End(t.Context(), session.Revocation{UserID: c.UserID, SessionID: c.SessionID, At: h.clock.Now()}); err != nil {
		t.Fatal(err)
	}
	_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
	wantCode(t, err, refusal.SessionRevoked)
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword}); err != nil {
		t.Errorf("the old password: %v", err)
	}
}
