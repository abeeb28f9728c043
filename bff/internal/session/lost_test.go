package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// lossy is a store that tells its follower of a loss when it is said to.
type lossy struct {
	session.Revocations
	lost chan time.Time
	told chan struct{}
}

func (l *lossy) Subscribe(ctx context.Context, keep time.Duration, f session.Subscriber) error {
	go func() {
		for {
			select {
			case before := <-l.lost:
				f.Lost(before)
				l.told <- struct{}{}
			case <-ctx.Done():
				return
			}
		}
	}()
	return l.Revocations.Subscribe(ctx, keep, f)
}

// With the stream of revocations lost, an access token from before cannot be
// told from that of an ended session: the record decides.
func TestAccessTokenFromBeforeALossIsRefreshed(t *testing.T) {
	store := &lossy{lost: make(chan time.Time), told: make(chan struct{})}
	h := open(t, func(d *session.Deps) { store.Revocations, d.Revocations = d.Revocations, store })
	ended, stays := h.signIn(false), h.signIn(false)
	if err := h.sessions.End(t.Context(), session.Revocation{UserID: ended.UserID, SessionID: ended.SessionID, Reason: session.ReasonSignOut}); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	store.lost <- h.clock.Now().Truncate(time.Second)
	<-store.told
	after := h.signIn(false)
	h.who(after) // from after it

	g, err := h.Authenticate(t.Context(), stays.Access, stays.Refresh)
	if err != nil || g.Cookies == nil {
		t.Fatalf("%+v, %v; want new cookies", g, err)
	}
	h.who(g.Cookies)
	_, err = h.Authenticate(t.Context(), stays.Access, "")
	wantCode(t, err, refusal.SessionExpired) // the browser asks for a refresh
	_, err = h.Authenticate(t.Context(), ended.Access, ended.Refresh)
	wantCode(t, err, refusal.SessionRevoked)

	// An earlier loss, told later, takes nothing back.
	store.lost <- h.clock.Now().Add(-time.Hour).Truncate(time.Second)
	<-store.told
	_, err = h.Authenticate(t.Context(), stays.Access, "")
	wantCode(t, err, refusal.SessionExpired)
}

// Beside an instance with an ACCESS_TTL of hours this one forgot after minutes
// that a session had ended, and took its access token again.
func TestAccessTokenOfALongerAccessTTLIsRefreshed(t *testing.T) {
	h := open(t)
	long := open(t, func(d *session.Deps) {
		d.Store, d.Revocations, d.Tokens, d.Now = h.sessions, h.sessions, h.tokens, h.clock.Now
		d.Policy.AccessTTL = 4 * time.Hour
	})
	in := signIn(t, long.Manager, adaID, ada, false)
	h.clock.Advance(policy.AccessTTL - time.Second)
	h.who(in.Cookies)
	h.clock.Advance(time.Second)
	_, err := h.Authenticate(t.Context(), in.Cookies.Access, "")
	wantCode(t, err, refusal.SessionExpired)
	g, err := h.Authenticate(t.Context(), in.Cookies.Access, in.Cookies.Refresh)
	if err != nil || g.Cookies == nil {
		t.Errorf("%+v, %v; want new cookies", g, err)
	}
}

// A stream that reads nothing for a while had space for eight news, and the end
// of the session was the ninth.
func TestSlowStreamReceivesTheEndOfItsSession(t *testing.T) {
	h, c := arrived(t, func(d *session.Deps) { d.OnRevocation = nil })
	news, stop, err := h.Watch(c.SessionID)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for i := range 20 {
		h.clock.Advance(time.Minute)
		role := []session.Role{session.RoleAdmin, session.RoleUser}[i%2]
		if err := h.AccountChanged(t.Context(), c.UserID, session.Account{Email: adaEmail, Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
		t.Fatal(err)
	}
	var last session.Revocation
	for {
		select {
		case last = <-news:
			continue
		default:
		}
		break
	}
	if last.Reason != session.ReasonSignOut {
		t.Errorf("the last that it hears of is %+v", last)
	}
}
