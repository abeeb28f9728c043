package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest/fake"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// harness is a Service on stores in memory, a clock that stands still, and
// whatever a test wants to break.
type harness struct {
	*auth.Service
	*session.Manager
	t        testing.TB
	clock    *sessiontest.Clock
	sessions *sessiontest.Sessions
	users    *fake.Users
	audit    *fake.Audit
	tokens   *token.Issuer

	passwords *password.Hasher
	ended     chan session.Revocation
	stop      func() // ends the background work and waits for what it still stores
}

var policy = session.Policy{
	AccessTTL: 15 * time.Minute, RefreshTTL: 7 * 24 * time.Hour, RememberTTL: 30 * 24 * time.Hour,
	SessionMaxAge: 90 * 24 * time.Hour,
}

// crowd lets as many people as a test needs come from nowhere in particular.
var crowd = func() auth.Limits {
	many := session.Allowance{Count: 1_000_000, Per: time.Second}
	return auth.Limits{SignIn: many, Register: many, Refresh: many, Inline: many, Password: many, Change: many, Notice: many}
}()

// open starts a harness. Each option may change what it stands on.
func open(t testing.TB, options ...func(*auth.Deps)) *harness {
	t.Helper()
	clock := sessiontest.NewClock()
	store, err := filestore.Open(filestore.Config{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	sessions := sessiontest.NewSessions(store)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := token.New(token.Config{
		Issuer:       "https://gatehouse.example",
		AccessKeys:   [][]byte{[]byte("access key for tests, thirty-two bytes")},
		RefreshKeys:  [][]byte{[]byte("refresh key for tests, thirty-two bytes")},
		IdentityKeys: []*ecdsa.PrivateKey{key},
	})
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := password.NewHasher(4, 4, 100)
	if err != nil {
		t.Fatal(err)
	}
	audit := &fake.Audit{}
	h := &harness{
		t: t, clock: clock, sessions: sessions, users: fake.NewUsers(audit), audit: audit, tokens: tokens, passwords: passwords,
		ended: make(chan session.Revocation, 100),
	}
	deps := auth.Deps{
		Users: h.users, Sessions: sessions, Revocations: sessions, Audit: audit,
		Limiter: filestore.NewLimits(clock.Now), Limits: crowd,
		Tokens: tokens, Passwords: passwords, Policy: policy, SignupOpen: true, Now: clock.Now,
		Log:          slog.New(slog.DiscardHandler),
		OnRevocation: func(r session.Revocation) { h.ended <- r },
	}
	for _, change := range options {
		change(&deps)
	}
	h.Service = auth.New(deps)
	h.Manager = h.Service.Sessions()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Service.Run(ctx) }()
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("Run did not end")
		}
	}
	t.Cleanup(h.stop)
	return h
}

const (
	adaEmail    = "ada@example.com"
	adaPassword = "analytical engine no. 1"
)

func (h *harness) register() auth.User {
	h.t.Helper()
	u, err := h.Register(h.t.Context(), auth.Registration{Email: adaEmail, Password: adaPassword, Name: "Ada"})
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// signIn gives the cookies of a new session of the registered user.
func (h *harness) signIn(remember bool) *session.Cookies {
	h.t.Helper()
	in, err := h.SignIn(h.t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword, Remember: remember})
	if err != nil {
		h.t.Fatal(err)
	}
	return in.Cookies
}

// arrived is a signed-in browser.
func arrived(t testing.TB, options ...func(*auth.Deps)) (*harness, *session.Cookies) {
	t.Helper()
	h := open(t, options...)
	h.register()
	return h, h.signIn(false)
}

func wantCode(t *testing.T, err error, code refusal.Code) *refusal.Error {
	t.Helper()
	var e *refusal.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error = %v, want %s", err, code)
	}
	return e
}

// eventually waits for what the background work brings about.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func (h *harness) eventsOf(kind auth.EventType) (found []auth.Event) {
	for _, e := range h.audit.Events() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// who is the principal that a pair of cookies speaks for.
func (h *harness) who(c *session.Cookies) session.Principal {
	h.t.Helper()
	g, err := h.Authenticate(h.t.Context(), c.Access, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return g.Principal
}

// accessEnd is when the access token of a pair expires.
func (h *harness) accessEnd(c *session.Cookies) time.Time {
	h.t.Helper()
	a, err := h.tokens.VerifyAccess(c.Access, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return a.ExpiresAt
}

// accountChanged tells this instance, which may not be the one that wrote it.
func (h *harness) accountChanged(ctx context.Context, userID string, a session.Account) error {
	return h.AccountChanged(ctx, userID, func(context.Context) (session.Account, error) { return a, nil }, true)
}
