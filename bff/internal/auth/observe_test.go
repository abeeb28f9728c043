package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// observed is what an observer was told, counted.
type observed struct {
	mu     sync.Mutex
	counts map[string]int
	lags   []time.Duration
}

func (o *observed) count(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[what]++
}

func (o *observed) watch(d *auth.Deps) {
	o.counts = map[string]int{}
	d.Observe = auth.Observer{
		Refreshed: func(outcome string) { o.count("refresh " + outcome) },
		SignedIn:  func(outcome string) { o.count("sign-in " + outcome) },
		Limited: func(limit string, allowed bool) {
			if !allowed {
				o.count("refused by " + limit)
			}
		},
		Revoked: func(lag time.Duration) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.lags = append(o.lags, lag)
		},
	}
}

func TestObserverCountsSignIns(t *testing.T) {
	t.Parallel()
	o := &observed{}
	h := open(t, o.watch, func(d *auth.Deps) { d.Limits.SignIn = session.Allowance{Count: 3, Per: time.Hour} })
	h.register()
	for _, pw := range []string{adaPassword, "wrong", "", adaPassword, adaPassword} {
		_, _ = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: pw})
	}
	want := map[string]int{
		"sign-in succeeded": 2, "sign-in invalid_credentials": 1, "sign-in validation_failed": 1,
		"sign-in too_many_attempts": 1, "refused by signin": 1,
	}
	if diff := cmp.Diff(want, o.counts); diff != "" {
		t.Error(diff)
	}
}

func TestObserverCountsRefreshes(t *testing.T) {
	t.Parallel()
	o := &observed{}
	h := open(t, o.watch)
	h.register()
	in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	parent := in.Cookies.Refresh
	child, err := h.Refresh(t.Context(), parent)
	if err != nil {
		t.Fatal(err)
	}
	refresh := func(raw string) { _, _ = h.Refresh(t.Context(), raw) }
	h.sessions.Fail(errors.New("away"))
	refresh(parent) // nothing was decided
	h.sessions.Fail(nil)
	refresh(parent) // replayed
	if _, err := h.Authenticate(t.Context(), child.Cookies.Access, ""); err != nil {
		t.Fatal(err)
	}
	refresh(parent) // served
	h.clock.Advance(time.Minute)
	refresh(parent)                // stolen
	refresh(child.Cookies.Refresh) // revoked
	refresh("no token")            // nobody's
	want := map[string]int{
		"sign-in succeeded": 1, "refresh rotated": 1, "refresh replayed": 1, "refresh served": 1, "refresh stolen": 1, "refresh revoked": 1,
	}
	if diff := cmp.Diff(want, o.counts); diff != "" {
		t.Error(diff)
	}
}

// What another instance ended a while ago is late news, what was ended before
// the start is none.
func TestObserverMeasuresTheLagOfRevocations(t *testing.T) {
	t.Parallel()
	o := &observed{}
	h := open(t, o.watch)
	<-h.CaughtUp()
	h.register()
	in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	end := session.Revocation{
		UserID: in.Principal.UserID, SessionID: in.Principal.SessionID, Reason: session.ReasonSignOut, At: h.clock.Now().Add(-3 * time.Second),
	}
	for range 2 { // told twice, it is news once
		if err := h.sessions.Publish(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	<-h.ended
	after := &observed{}
	h.stop()
	again := auth.New(auth.Deps{
		Users: h.users, Sessions: h.sessions, Revocations: h.sessions, Audit: h.audit, Tokens: h.tokens, Passwords: h.passwords,
		Policy: policy, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler), Observe: func() auth.Observer { d := auth.Deps{}; after.watch(&d); return d.Observe }(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.Run(ctx) }()
	defer func() { cancel(); <-done }()
	<-again.Sessions().CaughtUp()
	if again.Sessions().Alive(end.SessionID) {
		t.Error("the second instance does not know of the end")
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second}, o.lags); diff != "" || len(after.lags) != 0 {
		t.Errorf("%s; after a restart %v", diff, after.lags)
	}
}
