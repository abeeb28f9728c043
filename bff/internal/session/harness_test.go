package session_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// harness is a Manager on a store in memory, a clock that stands still, and
// whatever a test wants to break.
type harness struct {
	*session.Manager
	t        testing.TB
	clock    *sessiontest.Clock
	sessions *sessiontest.Sessions
	accounts *accounts
	endings  *endings
	tokens   *token.Issuer

	ended chan session.Revocation
	stop  func() // ends the background work and waits for what it still stores
}

var policy = session.Policy{
	AccessTTL: 15 * time.Minute, RefreshTTL: 7 * 24 * time.Hour, RememberTTL: 30 * 24 * time.Hour,
	SessionMaxAge: 90 * 24 * time.Hour,
}

// unlimited lets a test make as many refreshes as it needs.
var unlimited = func() session.Limits {
	many := session.Allowance{Count: 1_000_000, Per: time.Second}
	return session.Limits{Refresh: many, Inline: many}
}()

// productLimits are those of auth.DefaultLimits.
var productLimits = session.Limits{
	Refresh: session.Allowance{Count: 60, Per: time.Minute}, Inline: session.Allowance{Count: 10, Per: time.Second},
}

// accounts is a user database with an outage whenever a test wants one.
type accounts struct {
	mu      sync.Mutex
	active  map[string]session.Account
	failure error
}

func (a *accounts) SessionAccount(_ context.Context, userID string) (session.Account, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, ok := a.active[userID]
	return account, ok, a.failure
}

// Fail makes every call fail because of err, until Fail(nil).
func (a *accounts) Fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = err
}

// endings keeps what a Recorder is notified of.
type endings struct {
	mu   sync.Mutex
	list []session.Ending
}

func (e *endings) SessionsEnded(x session.Ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, x)
}

func (e *endings) of(kind session.EndKind) (found []session.Ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if x.Kind == kind {
			found = append(found, x)
		}
	}
	return found
}

// deps are those of another instance on the same store.
func (h *harness) deps() session.Deps {
	return session.Deps{
		Store: h.sessions, Revocations: h.sessions, Accounts: h.accounts, Recorder: h.endings,
		Limiter: filestore.NewLimits(h.clock.Now), Limits: unlimited,
		Tokens: h.tokens, Policy: policy, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// open starts a harness. Each option may change what it stands on.
func open(t testing.TB, options ...func(*session.Deps)) *harness {
	t.Helper()
	clock := sessiontest.NewClock()
	store, err := filestore.Open(filestore.Config{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
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
	h := &harness{
		t: t, clock: clock, sessions: sessiontest.NewSessions(store), tokens: tokens,
		accounts: &accounts{active: map[string]session.Account{adaID: ada, "eve": {Email: "eve@example.com", Role: session.RoleUser}}},
		endings:  &endings{}, ended: make(chan session.Revocation, 100),
	}
	deps := h.deps()
	deps.OnRevocation = func(r session.Revocation) { h.ended <- r }
	for _, change := range options {
		change(&deps)
	}
	h.Manager = session.New(deps)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
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
	adaID    = "ada"
	adaEmail = "ada@example.com"
)

var ada = session.Account{Email: adaEmail, Name: "Ada", Role: session.RoleUser}

// signIn gives the cookies of a new session of Ada.
func (h *harness) signIn(remember bool) *session.Cookies {
	h.t.Helper()
	return signIn(h.t, h.Manager, adaID, ada, remember).Cookies
}

func signIn(t testing.TB, m *session.Manager, userID string, a session.Account, remember bool) session.Grant {
	t.Helper()
	rec, err := m.Open(t.Context(), userID, a, remember)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Issue(rec)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// arrived is a signed-in browser.
func arrived(t testing.TB, options ...func(*session.Deps)) (*harness, *session.Cookies) {
	t.Helper()
	h := open(t, options...)
	return h, h.signIn(false)
}

// changeAccount is what an instance does after a change of an account, be it its
// own or not.
func (h *harness) changeAccount(m *session.Manager, userID string, a session.Account) error {
	return m.AccountChanged(context.Background(), userID, func(context.Context) (session.Account, error) { return a, nil }, true)
}

// AccountChanged gives an account's sessions another account.
func (h *harness) AccountChanged(_ context.Context, userID string, a session.Account) error {
	return h.changeAccount(h.Manager, userID, a)
}

func withClient(ctx context.Context, c session.Client) context.Context {
	return context.WithValue(ctx, session.ClientKey{}, c)
}

func wantCode(t *testing.T, err error, code refusal.Code) *refusal.Error {
	t.Helper()
	var e *refusal.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error = %v, want %s", err, code)
	}
	return e
}

func is(err error, code refusal.Code) bool {
	var e *refusal.Error
	return errors.As(err, &e) && e.Code == code
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
