package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func limited(d *auth.Deps) { d.Limits = auth.DefaultLimits }

func from(ctx context.Context, ip string) context.Context {
	return auth.WithClient(ctx, session.Client{IP: ip})
}

func (h *harness) guess(ctx context.Context, email, device string) error {
	_, err := h.SignIn(ctx, auth.Credentials{Email: email, Password: "not the one", Device: device})
	return err
}

func TestSignInIsLimitedPerNetwork(t *testing.T) {
	for _, tt := range []struct {
		name, attacker string
		same, other    []string
	}{
		{"IPv4", "192.0.2.1", []string{"192.0.2.1", "::ffff:192.0.2.1"}, []string{"192.0.2.2"}},
		{"IPv6", "2001:db8:1:2::1", []string{"2001:db8:1:2:ffff::9"}, []string{"2001:db8:1:3::1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, limited)
			h.register()
			for i := range auth.DefaultLimits.SignIn.Count { // each another account: only the network is counted
				wantCode(t, h.guess(from(t.Context(), tt.attacker), fmt.Sprintf("u%d@example.com", i), ""), refusal.InvalidCredentials)
			}
			for _, ip := range tt.same {
				if e := wantCode(t, h.guess(from(t.Context(), ip), "else@example.com", ""), refusal.TooManyAttempts); e.RetryAfter <= 0 {
					t.Error("no Retry-After")
				}
			}
			for _, ip := range tt.other {
				if _, err := h.SignIn(from(t.Context(), ip), auth.Credentials{Email: adaEmail, Password: adaPassword}); err != nil {
					t.Errorf("from %s: %v", ip, err)
				}
			}
		})
	}
}

// Whoever guesses from anywhere waits longer and longer, and so does the right
// password from a browser that is unknown here; the owner's own does not.
func TestGuessingLocksTheOwnersBrowserOutOfNothing(t *testing.T) {
	h := open(t, limited)
	h.register()
	own, err := h.SignIn(from(t.Context(), "198.51.100.1"), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	elsewhere := func() context.Context { n++; return from(t.Context(), fmt.Sprintf("203.0.113.%d", n)) }
	for range 5 {
		wantCode(t, h.guess(elsewhere(), adaEmail, ""), refusal.InvalidCredentials)
	}
	for want := time.Second; want <= 8*time.Second; want *= 2 {
		for _, spelling := range []string{adaEmail, "ADA@Example.COM", " ada@example.com "} {
			e := wantCode(t, h.guess(elsewhere(), spelling, ""), refusal.TooManyAttempts)
			if e.RetryAfter != want {
				t.Errorf("wait %s, want %s", e.RetryAfter, want)
			}
		}
		_, err := h.SignIn(elsewhere(), auth.Credentials{Email: adaEmail, Password: adaPassword})
		wantCode(t, err, refusal.TooManyAttempts)
		if _, err := h.SignIn(elsewhere(), auth.Credentials{Email: adaEmail, Password: adaPassword, Device: own.Device}); err != nil {
			t.Fatalf("the owner's own browser: %v", err)
		}
		h.clock.Advance(want)
		wantCode(t, h.guess(elsewhere(), adaEmail, ""), refusal.InvalidCredentials)
	}
	h.clock.Advance(16 * time.Second)
	if _, err := h.SignIn(elsewhere(), auth.Credentials{Email: adaEmail, Password: adaPassword}); err != nil {
		t.Fatalf("the right password after the wait: %v", err)
	}
	wantCode(t, h.guess(elsewhere(), adaEmail, ""), refusal.InvalidCredentials) // forgotten by the success
}

// A mark of somebody else's account, or none of ours, is no way around.
func TestForeignDeviceCookieCountsAsUnknown(t *testing.T) {
	h := open(t, limited)
	h.register()
	eve := h.with("eve@example.com", session.RoleUser)
	for i, device := range []string{eve.Device, "", "made.up", eve.Device + "x", "x"} {
		wantCode(t, h.guess(from(t.Context(), fmt.Sprintf("203.0.113.%d", i)), adaEmail, device), refusal.InvalidCredentials)
	}
	wantCode(t, h.guess(from(t.Context(), "203.0.113.99"), adaEmail, eve.Device), refusal.TooManyAttempts)
}

// An unknown address is held up like a known one.
func TestUnknownAddressesWaitToo(t *testing.T) {
	h := open(t, limited)
	h.register()
	for i := range 8 {
		known := h.guess(from(t.Context(), fmt.Sprintf("203.0.113.%d", i)), adaEmail, "")
		unknown := h.guess(from(t.Context(), fmt.Sprintf("198.51.100.%d", i)), "nobody@example.com", "")
		var a, b *refusal.Error
		if !errors.As(known, &a) || !errors.As(unknown, &b) || a.Code != b.Code || a.Detail != b.Detail || a.RetryAfter != b.RetryAfter {
			t.Errorf("guess %d: %v and %v", i, known, unknown)
		}
	}
}

// A hundred guesses at once are not five for free and ninety-five more.
func TestParallelGuessesAreCountedOneByOne(t *testing.T) {
	h := open(t, limited)
	h.register()
	var judged atomic.Int32
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			var e *refusal.Error
			if err := h.guess(from(t.Context(), fmt.Sprintf("203.0.113.%d", i)), adaEmail, ""); errors.As(err, &e) && e.Code == refusal.InvalidCredentials {
				judged.Add(1)
			}
		})
	}
	all.Wait()
	if judged.Load() != 5 {
		t.Errorf("%d passwords were judged, want 5", judged.Load())
	}
}

func TestSignUpIsLimitedPerNetwork(t *testing.T) {
	h := open(t, limited)
	sign := func(i int, ip string) error {
		_, err := h.Register(from(t.Context(), ip), auth.Registration{Email: fmt.Sprintf("u%d@example.com", i), Password: adaPassword})
		return err
	}
	for i := range auth.DefaultLimits.Register.Count {
		if err := sign(i, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	e := wantCode(t, sign(50, "192.0.2.1"), refusal.TooManyAttempts)
	if err := sign(51, "192.0.2.2"); err != nil {
		t.Errorf("from another address: %v", err)
	}
	h.clock.Advance(e.RetryAfter)
	if err := sign(52, "192.0.2.1"); err != nil {
		t.Errorf("after Retry-After: %v", err)
	}
}

// Fifty people behind one address refresh their sessions, and nobody is limited
// by the others; one who asks without end is. What is refreshed on the way of
// another request is nobody's asking.
func TestRefreshIsLimitedPerSession(t *testing.T) {
	h := open(t, limited)
	h.register()
	var people []*session.Cookies
	for i := range 50 {
		in, err := h.SignIn(from(t.Context(), fmt.Sprintf("198.51.100.%d", i)), auth.Credentials{Email: adaEmail, Password: adaPassword})
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, in.Cookies)
	}
	behind := from(t.Context(), "192.0.2.1")
	for range 3 {
		for i, c := range people {
			g, err := h.Refresh(behind, c.Refresh)
			if err != nil {
				t.Fatal(err)
			}
			people[i] = g.Cookies
		}
	}
	greedy := people[0]
	var refused error
	for range auth.DefaultLimits.Refresh.Count {
		g, err := h.Refresh(behind, greedy.Refresh)
		if refused = err; err != nil {
			break
		}
		greedy = g.Cookies
	}
	e := wantCode(t, refused, refusal.TooManyAttempts)
	if e.EndsSession() {
		t.Error("the limit signs out")
	}
	if _, err := h.Authenticate(behind, "", greedy.Refresh); err != nil {
		t.Errorf("inline: %v", err)
	}
	if _, err := h.Refresh(behind, people[1].Refresh); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}
