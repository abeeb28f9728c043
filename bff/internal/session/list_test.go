package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// who is the principal that a pair of cookies speaks for.
func (h *harness) who(c *session.Cookies) session.Principal {
	h.t.Helper()
	g, err := h.Authenticate(h.t.Context(), c.Access, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return g.Principal
}

func TestOwnSessionsCanBeListedAndEnded(t *testing.T) {
	h, first := arrived(t)
	h.clock.Advance(time.Minute)
	second := h.signIn(true)
	list, err := h.List(t.Context(), h.who(first))
	if err != nil || len(list) != 2 || list[0].ID != second.SessionID || list[1].ID != first.SessionID {
		t.Fatalf("sessions %v, %v; want the newest first", list, err)
	}
	if err := h.EndSession(t.Context(), h.who(first), second.SessionID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Authenticate(t.Context(), second.Access, second.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	h.who(first) // goes on
	wantCode(t, h.EndSession(t.Context(), h.who(first), second.SessionID), refusal.NotFound)
	eventually(t, "audit", func() bool {
		e := h.endings.of(session.EndRevoked)
		return len(e) == 1 && e[0].Ends[0].SessionID == second.SessionID && e[0].ActorID == first.UserID
	})
}

func TestSessionOfAnotherUserIsNotFound(t *testing.T) {
	h, c := arrived(t)
	eve := signIn(t, h.Manager, "eve", h.accounts.active["eve"], false)
	wantCode(t, h.EndSession(t.Context(), eve.Principal, c.SessionID), refusal.NotFound)
	h.who(c)
}

func TestEndSessions(t *testing.T) {
	for _, others := range []bool{true, false} {
		h, mine := arrived(t)
		away := []*session.Cookies{h.signIn(false), h.signIn(true)}
		if err := h.EndSessions(t.Context(), h.who(mine), others); err != nil {
			t.Fatal(err)
		}
		for _, c := range away {
			_, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
			wantCode(t, err, refusal.SessionRevoked)
		}
		_, err := h.Authenticate(t.Context(), mine.Access, mine.Refresh)
		if others && err != nil {
			t.Errorf("the own session ended too: %v", err)
		}
		if !others {
			wantCode(t, err, refusal.SessionRevoked)
		}
	}
}

func TestEndingSessionsWhileTheStoreIsAwayEndsNone(t *testing.T) {
	h, c := arrived(t)
	who := h.who(c)
	h.sessions.Fail(errors.New("away"))
	wantCode(t, h.EndSessions(t.Context(), who, false), refusal.SessionStoreUnavailable)
	wantCode(t, h.EndSession(t.Context(), who, c.SessionID), refusal.SessionStoreUnavailable)
	_, err := h.List(t.Context(), who)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	h.who(c)
}

// The next request carries the new role, on every instance, and nobody signs
// in again.
func TestRoleChangeShowsInTheNextRequest(t *testing.T) {
	h, c := arrived(t)
	other := session.New(h.deps())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- other.Run(ctx) }()
	defer func() { cancel(); <-done }()

	h.clock.Advance(time.Minute)
	account := session.Account{Email: adaEmail, Name: "Ada", Role: session.RoleAdmin}
	if err := h.AccountChanged(t.Context(), c.UserID, account); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(2 * time.Second)
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || g.Principal.Role != session.RoleAdmin || g.Cookies == nil {
		t.Fatalf("%+v, %v", g, err)
	}
	if again, err := h.Authenticate(t.Context(), g.Cookies.Access, g.Cookies.Refresh); err != nil || again.Cookies != nil || again.Principal.Role != session.RoleAdmin {
		t.Errorf("renewed once, then steady: %+v, %v", again, err)
	}
	_, err = h.Authenticate(t.Context(), c.Access, "")
	wantCode(t, err, refusal.SessionExpired) // the old role's token alone is of no use
	eventually(t, "the other instance to refuse the old token", func() bool {
		_, err := other.Authenticate(t.Context(), c.Access, "")
		return err != nil
	})
}

func TestRoleChangeIsNotLostWhileARotationIsUnderWay(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(20 * time.Minute)
	lost, err := h.Refresh(t.Context(), c.Refresh) // this answer never arrives
	if err != nil {
		t.Fatal(err)
	}
	if err := h.AccountChanged(t.Context(), c.UserID, session.Account{Email: adaEmail, Role: session.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || g.Principal.Role != session.RoleAdmin || g.Cookies.Generation != lost.Cookies.Generation {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestLastSeenIsWrittenOnceAMinute(t *testing.T) {
	h, c := arrived(t)
	seen := func() time.Time {
		rec, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
		if err != nil {
			t.Fatal(err)
		}
		return rec.LastSeenAt
	}
	signedIn := seen()
	h.clock.Advance(59 * time.Second)
	h.who(c)
	h.clock.Advance(2 * time.Second)
	h.who(c)
	at := h.clock.Now()
	eventually(t, "last seen", func() bool { return seen().Equal(at) })
	before, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		h.clock.Advance(2 * time.Second)
		h.who(c)
	}
	h.stop()
	after, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil || after.Version != before.Version {
		t.Errorf("%d writes within a minute (signed in %s)", after.Version-before.Version, signedIn)
	}
}

func TestWatchReceivesItsSessionOnly(t *testing.T) {
	h, mine := arrived(t)
	other := h.signIn(false)
	news, stop, err := h.Watch(mine.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := h.SignOut(t.Context(), "", other.Refresh); err != nil {
		t.Fatal(err)
	}
	if err := h.SignOut(t.Context(), "", mine.Refresh); err != nil {
		t.Fatal(err)
	}
	if r := <-news; r.SessionID != mine.SessionID || r.Reason != session.ReasonSignOut {
		t.Errorf("heard %+v", r)
	}
	if h.Alive(mine.SessionID) {
		t.Error("alive after its end")
	}
	select {
	case r := <-news:
		t.Errorf("heard again: %+v", r)
	default:
	}
}

// A mark of whole seconds made every request of that second rotate, and the
// third of them a theft.
func TestRoleChangeInTheSecondOfTheSignIn(t *testing.T) {
	h, c := arrived(t)
	for _, role := range []session.Role{session.RoleAdmin, session.RoleUser, session.RoleAdmin} {
		if err := h.AccountChanged(t.Context(), c.UserID, session.Account{Email: adaEmail, Role: role}); err != nil {
			t.Fatal(err)
		}
		first, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
		if err != nil || first.Principal.Role != role || first.Cookies == nil {
			t.Fatalf("%+v, %v", first, err)
		}
		for range 5 { // other tabs, with the cookies of before
			g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
			if err != nil || g.Principal.Role != role || g.Cookies == nil || *g.Cookies != *first.Cookies {
				t.Fatalf("%+v, %v; want the same cookies again", g, err)
			}
		}
		steady, err := h.Authenticate(t.Context(), first.Cookies.Access, first.Cookies.Refresh)
		if err != nil || steady.Cookies != nil || steady.Principal.Role != role {
			t.Fatalf("%+v, %v; want no further refresh", steady, err)
		}
	}
}

// A request was authenticated, and before its stream was watched the role
// changed: nobody would have told it.
func TestIsStaleAfterAChangeOfRole(t *testing.T) {
	h, c := arrived(t)
	who := h.who(c)
	if h.IsStale(who) {
		t.Fatal("overtaken by nothing")
	}
	if err := h.AccountChanged(t.Context(), c.UserID, session.Account{Email: adaEmail, Role: session.RoleAdmin}); err != nil {
		t.Fatal(err)
	}
	if !h.IsStale(who) || !h.Alive(who.SessionID) {
		t.Error("want overtaken, and alive")
	}
	g, err := h.Authenticate(t.Context(), c.Access, c.Refresh)
	if err != nil || h.IsStale(g.Principal) {
		t.Errorf("renewed and still overtaken, %v", err)
	}
}

func TestWatchersOfOneSessionAreBounded(t *testing.T) {
	h, c := arrived(t)
	var stops []func()
	for {
		_, stop, err := h.Watch(c.SessionID)
		if err != nil {
			wantCode(t, err, refusal.TooManyAttempts)
			break
		}
		if stops = append(stops, stop); len(stops) > 1000 {
			t.Fatal("no bound")
		}
	}
	if _, stop, err := h.Watch("another"); err != nil {
		t.Error(err)
	} else {
		stop()
	}
	stops[0]()
	if _, _, err := h.Watch(c.SessionID); err != nil {
		t.Errorf("one is gone, and %v", err)
	}
}
