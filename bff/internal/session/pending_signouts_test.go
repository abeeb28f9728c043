package session_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// stubborn is a store that does everything but end sessions, as one does that
// lost its connection between announcing and deleting.
type stubborn struct {
	session.Store
	refuses atomic.Bool
	tries   atomic.Int32
	ended   atomic.Int32
}

func (s *stubborn) End(ctx context.Context, ends ...session.Revocation) error {
	s.tries.Add(1)
	if s.refuses.Load() {
		return session.ErrSessionStore
	}
	s.ended.Add(int32(len(ends)))
	return s.Store.End(ctx, ends...)
}

func withStubborn(t *testing.T) (*harness, *session.Cookies, *stubborn) {
	t.Helper()
	store := &stubborn{}
	h, c := arrived(t, func(d *session.Deps) { store.Store, d.Store = d.Store, store })
	return h, c, store
}

// Known to have ended, and refreshed all the same through the refresh token.
func TestKnownRevocationHoldsWhileTheRecordStillExists(t *testing.T) {
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
	ctx := withClient(t.Context(), session.Client{RequestID: "r-out"})
	wantCode(t, h.SignOut(ctx, c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	store.refuses.Store(false)
	eventually(t, "the audit event", func() bool {
		e := h.endings.of(session.EndSignOut)
		return len(e) == 1 && e[0].Client.RequestID == "r-out"
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
	if _, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID); !errors.Is(err, session.ErrNoSession) {
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
		return errors.Is(err, session.ErrNoSession)
	})
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
	if n := store.tries.Load() - tries; n != 0 || len(h.endings.of(session.EndSignOut)) != 1 {
		t.Errorf("%d ends and %d audit events for a session that was over", n, len(h.endings.of(session.EndSignOut)))
	}
}

// Each queued ack waited for a hanging store in turn, for an hour if there
// were enough.
func TestShutdownDoesNotWaitForAcks(t *testing.T) {
	h := open(t)
	var all []*session.Cookies
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
		list, err := sessiontest.ListSessions(t.Context(), h.sessions, c.UserID)
		return err == nil && len(list) == 0 && len(h.endings.of(session.EndRevoked)) == 2
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
	if list, err := sessiontest.ListSessions(t.Context(), h.sessions, c.UserID); err != nil || len(list) != 0 {
		t.Errorf("%d sessions left, %v", len(list), err)
	}
	// The last try's events are not lost either.
	if n := len(h.endings.of(session.EndSignOut)); n != 2 {
		t.Errorf("%d audit events", n)
	}
}

// One account's sign-outs, repeated with every token that it ever had, filled
// the queue until other people's were given up.
func TestSignOutsOfOneAccountLeaveRoomForOthers(t *testing.T) {
	var log strings.Builder
	q := session.NewPendingSignOuts(nil, slog.New(slog.NewTextHandler(&log, nil)))
	add := func(userID string, n int) {
		for i := range n {
			q.Add(session.Revocation{UserID: userID, SessionID: fmt.Sprint(userID, "-", i), Reason: session.ReasonSignOut})
		}
	}
	add("flood", 10_000)
	if n := q.Of("flood"); n != 200 {
		t.Errorf("one account has %d sign-outs waiting, want 200", n)
	}
	if !strings.Contains(log.String(), "too many of the account") {
		t.Errorf("nothing said: %s", log.String())
	}
	// Many accounts together: the one that has most gives way.
	for i := range 60 {
		add(fmt.Sprint("flood", i), 200)
	}
	for i := range 50 {
		add(fmt.Sprint("victim", i), 3)
	}
	for i := range 50 {
		if n := q.Of(fmt.Sprint("victim", i)); n != 3 {
			t.Fatalf("victim %d has %d of 3 sign-outs waiting", i, n)
		}
	}
	if n := q.Len(); n != 8192 {
		t.Errorf("%d wait, want 8192", n)
	}
}

// A group of ends that is repeated waits once, with all that it names.
func TestRepeatedGroupOfEndsWaitsOnce(t *testing.T) {
	ended := &recorder{}
	q := session.NewPendingSignOuts(ended, slog.New(slog.DiscardHandler))
	end := func(id string) session.Revocation {
		return session.Revocation{UserID: "u", SessionID: id, Reason: session.ReasonAdmin}
	}
	q.Add(end("a"), end("b"))
	q.Add(end("b"), end("c"))
	q.Add(end("b"), end("c"))
	if n := q.Of("u"); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
	done := q.Finish(t.Context())
	if len(done) != 1 || done[0] != "ended_by_admin: 3 sessions" || len(ended.ids) != 3 || q.Len() != 0 {
		t.Errorf("events %q, ended %q, %d left", done, ended.ids, q.Len())
	}
}

// recorder notes what is ended.
type recorder struct {
	session.Store
	ids []string
}

func (r *recorder) End(_ context.Context, ends ...session.Revocation) error {
	for _, e := range ends {
		r.ids = append(r.ids, e.SessionID)
	}
	return nil
}
