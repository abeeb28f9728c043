package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestFreshAccessTokenAsksNoStore(t *testing.T) {
	h, c := arrived(t)
	h.sessions.Fail(errors.New("away"))
	h.accounts.Fail(errors.New("away"))
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || g.Cookies != nil || g.Principal.Email != adaEmail || g.Principal.Role != session.RoleUser {
		t.Errorf("Authenticate = %+v, %v", g, err)
	}
}

func TestStaleAccessTokenIsRefreshedInline(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(policy.AccessTTL)
	h.accounts.Fail(errors.New("away")) // a refresh never asks the user database
	for name, access := range map[string]string{"expired": c.Access, "missing": "", "garbage": "x.y.z"} {
		g, err := h.Authenticate(t.Context(), access, c.Refresh)
		if err != nil || g.Cookies == nil || g.Cookies.Generation != 2 {
			t.Errorf("%s: Authenticate = %+v, %v", name, g, err)
		}
	}
}

func TestInvalidTokensAreNotAuthenticated(t *testing.T) {
	h, c := arrived(t)
	for _, tt := range []struct {
		name, access, refresh string
		want                  refusal.Code
	}{
		{"no cookies", "", "", refusal.NotAuthenticated},
		{"garbage", "x", "y", refusal.NotAuthenticated},
		{"swapped", c.Refresh, c.Access, refusal.NotAuthenticated},
		{"refresh token as access token", c.Refresh, "", refusal.NotAuthenticated},
	} {
		_, err := h.Authenticate(t.Context(), tt.access, tt.refresh)
		if !wantCode(t, err, tt.want).EndsSession() {
			t.Errorf("%s: the cookies are of no use and must be cleared", tt.name)
		}
	}
	h.clock.Advance(policy.AccessTTL)
	_, err := h.Authenticate(t.Context(), c.Access, "")
	wantCode(t, err, refusal.SessionExpired)
}

func TestLostAnswerGetsTheSameChildAgain(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	first, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(8 * time.Hour) // the answer was lost; the laptop was closed
	again, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil || *again.Cookies != *first.Cookies {
		t.Errorf("the child changed: %+v, %v", again.Cookies, err)
	}
}

func TestParentIsServedWithinParentGrace(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	child, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), child.Cookies.Access, child.Cookies.Refresh); err != nil {
		t.Fatal(err) // the child has arrived
	}
	h.clock.Advance(14 * time.Second)
	late, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil || late.Cookies != nil {
		t.Fatalf("a straggler is served without cookies; got %+v, %v", late.Cookies, err)
	}
	h.clock.Advance(time.Second)
	_, err = h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.RefreshReuse)
}

func TestThiefIsCaughtAndTheSessionEndsForBoth(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	victim, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), victim.Cookies.Access, ""); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	_, err = h.Refresh(t.Context(), c.Refresh) // the stolen copy
	wantCode(t, err, refusal.RefreshReuse)

	if r := <-h.ended; r.Reason != session.ReasonRefreshReuse || r.SessionID != c.SessionID {
		t.Errorf("live streams were told %+v", r)
	}
	_, err = h.Authenticate(t.Context(), victim.Cookies.Access, "")
	wantCode(t, err, refusal.SessionRevoked) // unexpired, and dead
	_, err = h.Authenticate(t.Context(), victim.Cookies.Access, victim.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	eventually(t, "audit event of the theft", func() bool {
		e := h.endings.of(session.EndStolen)
		return len(e) == 1 && e[0].Ends[0].SessionID == c.SessionID
	})
}

func TestAckIsStoredOnce(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	before, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	h.stop()
	rec, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil || !rec.ReceivedAt.Equal(h.clock.Now()) {
		t.Fatalf("received at %s, %v; want %s", rec.ReceivedAt, err, h.clock.Now())
	}
	if rec.Version != before.Version+1 {
		t.Errorf("%d writes for one ack", rec.Version-before.Version)
	}
}

// Fifty requests with one stale token: one rotation, everybody gets its child.
func TestFiftyAtOnceAreOneRotation(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	var wg sync.WaitGroup
	got := make([]session.Grant, 50)
	for i := range got {
		wg.Go(func() {
			g, err := h.Authenticate(context.Background(), c.Access, c.Refresh)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = g
		})
	}
	wg.Wait()
	for i, g := range got {
		if g.Cookies == nil || *g.Cookies != *got[0].Cookies {
			t.Fatalf("request %d got %+v, request 0 %+v", i, g.Cookies, got[0].Cookies)
		}
	}
	rec, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil || rec.Generation != 2 {
		t.Errorf("generation %d, %v; want 2", rec.Generation, err)
	}
}

// meddling is a store on which another instance is quicker, once.
type meddling struct {
	session.Store
	before func()
}

func (m *meddling) Swap(ctx context.Context, old, next session.Record) error {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	return m.Store.Swap(ctx, old, next)
}

func TestLoserOfARaceGetsTheWinnersChild(t *testing.T) {
	store := &meddling{}
	h, c := arrived(t, func(d *session.Deps) { store.Store, d.Store = d.Store, store })
	other := session.New(h.deps())
	h.clock.Advance(20 * time.Minute)
	var winner session.Grant
	store.before = func() {
		var err error
		if winner, err = other.Refresh(t.Context(), c.Refresh); err != nil {
			t.Error(err)
		}
	}
	loser, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil || winner.Cookies == nil || *loser.Cookies != *winner.Cookies {
		t.Errorf("winner %+v, loser %+v, %v", winner.Cookies, loser.Cookies, err)
	}
}

func TestDisconnectedCallerDoesNotCancelTheRefresh(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Refresh(gone, c.Refresh); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil || g.Cookies == nil || g.Cookies.Generation != 2 {
		t.Errorf("Refresh = %+v, %v", g.Cookies, err)
	}
}

func TestStoreOutageSignsNoBrowserOut(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	h.sessions.Fail(errors.New("connection refused"))
	_, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	e := wantCode(t, err, refusal.SessionStoreUnavailable)
	if e.EndsSession() || e.RetryAfter <= 0 {
		t.Errorf("a hiccup must not clear cookies, and must say when to come again: %+v", e)
	}
	h.sessions.Fail(nil)
	if g, err := h.Authenticate(t.Context(), c.Access, c.Refresh); err != nil || g.Cookies == nil {
		t.Errorf("after the outage: %+v, %v", g.Cookies, err)
	}
}

func TestSessionEndsWhenItShould(t *testing.T) {
	for _, tt := range []struct {
		name     string
		remember bool
		idle     time.Duration
	}{{"without remember me", false, policy.RefreshTTL}, {"with it", true, policy.RememberTTL}} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			c := h.signIn(tt.remember)
			h.clock.Advance(tt.idle - time.Second)
			g, err := h.Refresh(t.Context(), c.Refresh)
			if err != nil {
				t.Fatalf("a second before the idle end: %v", err)
			}
			h.clock.Advance(tt.idle)
			_, err = h.Refresh(t.Context(), g.Cookies.Refresh)
			wantCode(t, err, refusal.SessionExpired)
		})
	}
}

func TestAbsoluteEndHoldsHoweverOftenItIsRefreshed(t *testing.T) {
	h, c := arrived(t)
	end := h.clock.Now().Add(policy.SessionMaxAge)
	for h.clock.Now().Before(end.Add(-policy.RefreshTTL)) {
		h.clock.Advance(policy.RefreshTTL - time.Hour)
		g, err := h.Refresh(t.Context(), c.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		c = g.Cookies
	}
	h.clock.Set(end.Add(-time.Second))
	g, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatalf("a second before the absolute end: %v", err)
	}
	h.clock.Set(end)
	_, err = h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh)
	wantCode(t, err, refusal.SessionExpired)
}

func TestSupersededCookiesAreHeldBack(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	// time.Now is not in UTC, which stores give moments back in.
	h.clock.Set(h.clock.Now().In(time.FixedZone("here", 3600)))
	slow, err := h.Refresh(t.Context(), c.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if h.Superseded(t.Context(), slow.Cookies) {
		t.Error("the current pair may be sent")
	}
	h.clock.Advance(20 * time.Minute)
	if _, err := h.Refresh(t.Context(), slow.Cookies.Refresh); err != nil {
		t.Fatal(err)
	}
	if !h.Superseded(t.Context(), slow.Cookies) {
		t.Error("an older pair would roll the browser back")
	}
	h.sessions.Fail(errors.New("away"))
	if !h.Superseded(t.Context(), slow.Cookies) {
		t.Error("when nobody knows, not sending is the safe side")
	}
}

// Somebody with two pairs of one generation presented the older one whenever
// the access token was about to die: it settled, the owner's pair was always an
// older one too, and no rotation ever showed that they were two.
func TestThiefCannotReissueAGenerationForEver(t *testing.T) {
	h, stolen := arrived(t)
	get := func(refresh string) (*session.Cookies, error) {
		g, err := h.Authenticate(t.Context(), "", refresh)
		return g.Cookies, err
	}
	must := func(refresh string) *session.Cookies {
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
		h.clock.Set(session.ModelAccessEnd(rec).Add(-10 * time.Second))
		if _, err = get(older.Refresh); err == nil {
			older = newer
			var c *session.Cookies
			if c, err = get(newer.Refresh); c != nil {
				newer = c
			}
		}
		if err == nil {
			h.who(newer)
			h.clock.Advance(10 * time.Minute)
			var c *session.Cookies
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
