package auth_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// stubborn is a store that does everything but end sessions, as one does that
// lost its connection between announcing and deleting.
type stubborn struct {
	auth.Sessions
	refuses atomic.Bool
	tries   atomic.Int32
	ended   atomic.Int32
}

func (s *stubborn) End(ctx context.Context, ends ...auth.Revocation) error {
	s.tries.Add(1)
	if s.refuses.Load() {
		return auth.ErrSessionStore
	}
	s.ended.Add(int32(len(ends)))
	return s.Sessions.End(ctx, ends...)
}

func withStubborn(t *testing.T) (*house, *auth.Cookies, *stubborn) {
	t.Helper()
	store := &stubborn{}
	h, c := arrived(t, func(d *auth.Deps) { store.Sessions, d.Sessions = d.Sessions, store })
	return h, c, store
}

// Known to have ended, and renewed all the same through the refresh token.
func TestKnownEndIsHonouredThoughTheRecordIsStillThere(t *testing.T) {
	h, c, store := withStubborn(t)
	store.refuses.Store(true)
	wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	_, err := h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	_, err = h.Authenticate(t.Context(), "", c.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	h.sessions.Fail(errors.New("away")) // and nobody is told that they are still signed in
	_, err = h.Authenticate(t.Context(), c.Access, c.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}

func TestSignOutFinishedLaterIsAudited(t *testing.T) {
	h, c, store := withStubborn(t)
	store.refuses.Store(true)
	ctx := auth.WithClient(t.Context(), auth.Client{RequestID: "r-out"})
	wantCode(t, h.SignOut(ctx, c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the audit event", func() bool {
		e := h.eventsOf(auth.EventLogout)
		return len(e) == 1 && e[0].RequestID == "r-out"
	})
}

// One visitor who repeats a sign-out must not crowd out the others'.
func TestRepeatedSignOutWaitsOnce(t *testing.T) {
	h, c, store := withStubborn(t)
	store.refuses.Store(true)
	for range 500 {
		wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	}
	store.refuses.Store(false)
	eventually(t, "the sign-out", func() bool { return store.ended.Load() > 0 })
	h.stop()
	if n := store.ended.Load(); n != 1 {
		t.Errorf("%d ends for one session", n)
	}
}

func TestWaitingSignOutGetsALastTryAtShutdown(t *testing.T) {
	h, c, store := withStubborn(t)
	store.refuses.Store(true)
	wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	h.stop()
	if _, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID); !errors.Is(err, auth.ErrNoSession) {
		t.Errorf("the session goes on: %v", err)
	}
}

// A thief presented an old token while the store could not end the session.
func TestTheftDuringAnOutageIsFinishedLater(t *testing.T) {
	h, c, store := withStubborn(t)
	h.clock.Advance(20 * time.Minute)
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), g.Cookies.Access, ""); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	store.refuses.Store(true)
	_, err = h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the session to end", func() bool {
		_, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
		return errors.Is(err, auth.ErrNoSession)
	})
}

// A thief who was caught while the store could not end the session signed out,
// and the trail had a sign-out where it should have a theft; no notice was sent.
func TestSignOutOfAThiefDoesNotReplaceTheTheft(t *testing.T) {
	box := &postbox{}
	store := &stubborn{}
	h, c := arrived(t, mailTo(box), func(d *auth.Deps) { store.Sessions, d.Sessions = d.Sessions, store })
	h.clock.Advance(20 * time.Minute)
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	h.who(g.Cookies)
	h.clock.Advance(time.Minute)
	store.refuses.Store(true)
	_, err = h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the theft in the trail", func() bool { return len(h.eventsOf(auth.EventRefreshReuse)) == 1 })
	if got := kinds(h.told(box)); !slices.Contains(got, auth.NoticeSessionStolen) {
		t.Errorf("notices %v", got)
	}
	if n := len(h.eventsOf(auth.EventLogout)); n != 0 {
		t.Errorf("%d sign-outs in the trail", n)
	}
}

// A dead token, repeated, filled the revocation stream until other people's
// revocations fell out of it.
func TestDeadTokenRepeatedWritesNothing(t *testing.T) {
	h, c, store := withStubborn(t)
	if err := h.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
		t.Fatal(err)
	}
	tries := store.tries.Load()
	h.clock.Advance(policy.SessionMaxAge)
	for range 200 {
		if err := h.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	h.stop()
	if n := store.tries.Load() - tries; n != 0 || len(h.eventsOf(auth.EventLogout)) != 1 {
		t.Errorf("%d ends and %d audit events for a session that was over", n, len(h.eventsOf(auth.EventLogout)))
	}
}

// Counted before NFC, a password that sign-up had taken was too long to sign
// in with.
func TestDecomposedPasswordSignsInAsItSignedUp(t *testing.T) {
	h := open(t)
	pw := strings.Repeat("e\u0301a\u0300o\u0302 x7", 30) // 180 characters composed, 270 as typed
	if _, err := h.Register(t.Context(), auth.Registration{Email: adaEmail, Password: pw}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: pw}); err != nil {
		t.Error(err)
	}
}

// Each queued receipt waited for a hanging store in turn, for an hour if there
// were enough.
func TestShutdownDoesNotWaitForReceipts(t *testing.T) {
	h := open(t)
	h.register()
	var all []*auth.Cookies
	for range 20 {
		c := h.signIn(false)
		h.clock.Advance(time.Second)
		g, err := h.Refresh(t.Context(), c.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g.Cookies)
	}
	h.sessions.Fail(errors.New("away"))
	for _, c := range all {
		h.who(c)
	}
	h.stop() // fails the test when it takes long
}

// The answer was 503, the announcement was out, and the user's own session was
// among the ended: nobody could ever ask again.
func TestSignOutEverywhereThatFailsHalfWayIsFinishedLater(t *testing.T) {
	h, c, store := withStubborn(t)
	other := h.signIn(false)
	who := h.who(c)
	store.refuses.Store(true)
	wantCode(t, h.EndSessions(t.Context(), who, false), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "both sessions to end", func() bool {
		list, err := authtest.ListSessions(t.Context(), h.sessions, c.UserID)
		return err == nil && len(list) == 0 && len(h.eventsOf(auth.EventSessionRevoked)) == 2
	})
	_, err := h.Refresh(t.Context(), other.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}

// A jar with two sessions: the second one was forgotten when the first failed.
func TestSignOutOfTwoSessionsForgetsNeither(t *testing.T) {
	h, c, store := withStubborn(t)
	other := h.signIn(false)
	store.refuses.Store(true)
	wantCode(t, h.SignOut(t.Context(), other.Access, c.Refresh), refusal.SessionStoreUnavailable)
	if h.Alive(c.SessionID) || h.Alive(other.SessionID) {
		t.Error("one of them goes on")
	}
	store.refuses.Store(false)
	h.stop()
	if list, err := authtest.ListSessions(t.Context(), h.sessions, c.UserID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions left, %v", len(list), err)
	}
	// The last try's events are not lost either.
	if n := len(h.eventsOf(auth.EventLogout)); n != 2 {
		t.Errorf("%d audit events", n)
	}
}
