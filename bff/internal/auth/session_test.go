package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

func TestFreshAccessTokenAsksNoStore(t *testing.T) {
	h, c := arrived(t)
	h.sessions.Fail(errors.New("away"))
	h.users.Fail(errors.New("away"))
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || g.Cookies != nil || g.Principal.Email != adaEmail || g.Principal.Role != auth.RoleUser {
		t.Errorf("Authenticate = %+v, %v", g, err)
	}
}

func TestStaleAccessTokenIsRenewedOnTheWay(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(policy.AccessTTL)
	h.users.Fail(errors.New("away")) // a refresh never asks the user database
	for name, access := range map[string]string{"expired": c.Access, "missing": "", "garbage": "x.y.z"} {
		g, err := h.Authenticate(t.Context(), access, c.Refresh)
		if err != nil || g.Cookies == nil || g.Cookies.Generation != 2 {
			t.Errorf("%s: Authenticate = %+v, %v", name, g, err)
		}
	}
}

func TestNobodyIsNotAuthenticated(t *testing.T) {
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

func TestLateTrafficOfTheParent(t *testing.T) {
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

	if r := <-h.ended; r.Reason != auth.ReasonRefreshReuse || r.SessionID != c.SessionID {
		t.Errorf("live streams were told %+v", r)
	}
	_, err = h.Authenticate(t.Context(), victim.Cookies.Access, "")
	wantCode(t, err, refusal.SessionRevoked) // unexpired, and dead
	_, err = h.Authenticate(t.Context(), victim.Cookies.Access, victim.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	eventually(t, "audit event of the theft", func() bool {
		e := h.eventsOf(auth.EventRefreshReuse)
		return len(e) == 1 && e[0].SessionID == c.SessionID
	})
}

func TestReceiptIsStoredOnce(t *testing.T) {
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
		t.Errorf("%d writes for one receipt", rec.Version-before.Version)
	}
}

// Fifty requests with one stale token: one rotation, everybody gets its child.
func TestFiftyAtOnceAreOneRotation(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	var wg sync.WaitGroup
	got := make([]auth.Grant, 50)
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
	auth.Sessions
	before func()
}

func (m *meddling) Swap(ctx context.Context, old, next auth.Session) error {
	if before := m.before; before != nil {
		m.before = nil
		before()
	}
	return m.Sessions.Swap(ctx, old, next)
}

func TestLoserOfARaceGetsTheWinnersChild(t *testing.T) {
	store := &meddling{}
	h, c := arrived(t, func(d *auth.Deps) { store.Sessions, d.Sessions = d.Sessions, store })
	other := auth.New(auth.Deps{
		Users: h.users, Sessions: h.sessions, Revocations: h.sessions, Audit: h.audit, Limiter: filestore.NewLimits(h.clock.Now), Limits: crowd,
		Tokens: h.tokens, Policy: policy, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	h.clock.Advance(20 * time.Minute)
	var winner auth.Grant
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

func TestCallerWhoHangsUpHarmsNobody(t *testing.T) {
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

func TestStoreAwaySignsNobodyOut(t *testing.T) {
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
			h.register()
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

func TestAbsoluteEndHoldsHoweverOftenItIsRenewed(t *testing.T) {
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
