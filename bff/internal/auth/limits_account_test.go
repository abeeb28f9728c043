package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// One address with a device cookie made 66 sign-ins at one account in 33 s: each
// sign-in, and each device, began another count.
func TestDeviceCookiesOpenNoFurtherCounts(t *testing.T) {
	h := open(t, limited)
	h.register()
	attacker := from(t.Context(), "192.0.2.1")
	signIn := func(device, ip string) (auth.SignedIn, error) {
		return h.SignIn(from(t.Context(), ip), auth.Credentials{Email: adaEmail, Password: adaPassword, Device: device})
	}
	var devices []string
	for n := range 10 { // by the owner, from ten networks
		in, err := signIn("", fmt.Sprintf("198.51.100.%d", n))
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, in.Device)
	}
	done := 0
	for range 6 {
		for _, device := range append(devices, "", "made.up") {
			_, err := h.SignIn(attacker, auth.Credentials{Email: adaEmail, Password: adaPassword, Device: device})
			if err == nil {
				done++
				continue
			}
			wantCode(t, err, refusal.TooManyAttempts)
		}
	}
	if done != auth.DefaultLimits.SignIn.Count {
		t.Errorf("%d sign-ins in a minute from one network, want 10", done)
	}
	// Neither that network nor its own devices keep the owner out elsewhere.
	if _, err := signIn(devices[0], "203.0.113.1"); err != nil {
		t.Errorf("the owner's browser in another network: %v", err)
	}
	if _, err := signIn("", "203.0.113.2"); err != nil {
		t.Errorf("another browser in another network: %v", err)
	}
	h.clock.Advance(6 * time.Second)
	if _, err := signIn(devices[1], "192.0.2.1"); err != nil {
		t.Errorf("six seconds later: %v", err)
	}
	_, err := signIn(devices[2], "192.0.2.1")
	wantCode(t, err, refusal.TooManyAttempts)
}

// keysTaken notes what is counted.
type keysTaken struct {
	auth.Limiter
	mu   sync.Mutex
	keys map[string]bool
}

func (k *keysTaken) Take(ctx context.Context, key string, a session.Allowance) (time.Duration, error) {
	k.mu.Lock()
	k.keys[key] = true
	k.mu.Unlock()
	return k.Limiter.Take(ctx, key, a)
}

// A device cookie of the sender's own making left the network's limit behind, and
// each email began a count of its own: they filled Redis, and pushed the counts
// of others, the sender's network among them, out of memory.
func TestRefusedSignInsBeginNoCounts(t *testing.T) {
	counts := &keysTaken{keys: map[string]bool{}}
	h := open(t, limited, func(d *auth.Deps) { counts.Limiter, d.Limiter = d.Limiter, counts })
	h.register()
	ctx := from(t.Context(), "192.0.2.1")
	own, err := h.SignIn(ctx, auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 300 {
		_ = h.guess(ctx, fmt.Sprintf("u%d@example.com", n), []string{"", "made.up", own.Device}[n%3])
	}
	// The network, and ten accounts. Sign-up has a count, too.
	if n := len(counts.keys); n > 12 {
		t.Errorf("%d counts for ten sign-ins that were judged and 291 that were refused", n)
	}
	if _, err := h.SignIn(ctx, auth.Credentials{Email: adaEmail, Password: adaPassword, Device: own.Device}); err != nil {
		t.Errorf("the known browser in that network: %v", err)
	}
}

// A network whose ten sign-ins are used up keeps no browser out that has signed
// in before, each to its own account.
func TestOthersInANetworkKeepNoKnownBrowserOut(t *testing.T) {
	h := open(t, limited)
	h.register()
	own, err := h.SignIn(from(t.Context(), "198.51.100.1"), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	office := from(t.Context(), "192.0.2.1")
	for i := range 20 {
		_ = h.guess(office, fmt.Sprintf("u%d@example.com", i), "")
	}
	_, err = h.SignIn(office, auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.TooManyAttempts)
	if _, err = h.SignIn(office, auth.Credentials{Email: adaEmail, Password: adaPassword, Device: own.Device}); err != nil {
		t.Errorf("the known browser: %v", err)
	}
}

// slowly is a hasher with one slot and nine places to wait. Computations end when
// the test calls letGo.
func slowly(t *testing.T) (h *password.Hasher, letGo func()) {
	t.Helper()
	h, err := password.NewHasher(4, 1, 9)
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	h.Observe(password.Observer{Begins: func() func() {
		<-gate
		return func() {}
	}})
	return h, sync.OnceFunc(func() { close(gate) })
}

// While one account, or one network, has all that it may have of the hashing
// queue, others get in.
func TestOneAccountOrNetworkLeavesHalfOfTheHashingQueue(t *testing.T) {
	for name, at := range map[string]func(n int) (email, ip string){
		"account": func(n int) (string, string) { return adaEmail, fmt.Sprintf("198.51.100.%d", n) },
		"network": func(n int) (string, string) { return fmt.Sprintf("u%d@example.com", n), "192.0.2.1" },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.register()
			synctest.Test(t, func(t *testing.T) {
				passwords, letGo := slowly(t)
				defer letGo()
				s := auth.New(auth.Deps{
					Users: h.users, Sessions: h.sessions, Revocations: h.sessions, Audit: h.audit, Limiter: unlimited{}, Limits: crowd,
					Tokens: h.tokens, Passwords: passwords, Policy: policy, Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
				})
				try := func(email, ip string) <-chan error {
					got := make(chan error, 1)
					go func() {
						_, err := s.SignIn(from(t.Context(), ip), auth.Credentials{Email: email, Password: "not the one"})
						got <- err
					}()
					synctest.Wait()
					return got
				}
				var in []<-chan error
				for n := range 5 {
					in = append(in, try(at(n)))
				}
				e := wantCode(t, <-try(at(5)), refusal.Busy)
				if e.RetryAfter <= 0 {
					t.Error("no Retry-After")
				}
				in = append(in, try("somebody@example.com", "203.0.113.1"))
				letGo()
				for n, got := range in {
					if err := <-got; !is(err, refusal.InvalidCredentials) {
						t.Errorf("sign-in %d: %v, want a wrong password", n, err)
					}
				}
			})
		})
	}
}

// unlimited counts nothing.
type unlimited struct{}

func (unlimited) Take(context.Context, string, session.Allowance) (time.Duration, error) {
	return 0, nil
}
func (unlimited) Attempt(context.Context, string) (time.Duration, error) { return 0, nil }
func (unlimited) Undo(context.Context, string) error                     { return nil }
func (unlimited) Forget(context.Context, string) error                   { return nil }

func is(err error, code refusal.Code) bool {
	var e *refusal.Error
	return errors.As(err, &e) && e.Code == code
}

// Strength was judged before any limit: 50 ms of a core for a request that was
// answered 429.
func TestNothingIsComputedBeforeTheLimit(t *testing.T) {
	begun := new(atomic.Int32)
	passwords, err := password.NewHasher(4, 4, 100)
	if err != nil {
		t.Fatal(err)
	}
	passwords.Observe(password.Observer{
		Begins: func() func() { begun.Add(1); return func() {} },
		Judges: func() { begun.Add(1) },
	})
	h := open(t, limited, func(d *auth.Deps) { d.Passwords = passwords })
	h.register()
	ctx := from(t.Context(), "192.0.2.1")
	in, err := h.SignIn(ctx, auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	who := in.Principal
	const crafted = "4@({[<69!1|$5+7password1"
	for name, tt := range map[string]struct {
		call  func() error
		first refusal.Code
		times int
		cost  int32 // computations of each before the limit
	}{
		"password change": {func() error { _, err := h.ChangePassword(ctx, who, "wrong", crafted); return err }, refusal.WrongPassword, 5, 2},
		"sign-up": {func() error {
			_, err := h.Register(ctx, auth.Registration{Email: "x", Password: crafted})
			return err
		}, refusal.ValidationFailed, 10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			for range tt.times {
				before := begun.Load()
				wantCode(t, tt.call(), tt.first)
				if n := begun.Load() - before; n != tt.cost {
					t.Errorf("%d computations in the hashing queue, want %d", n, tt.cost)
				}
			}
			before := begun.Load()
			wantCode(t, tt.call(), refusal.TooManyAttempts)
			if n := begun.Load() - before; n != 0 {
				t.Errorf("%d computations for a request beyond the limit", n)
			}
		})
	}
	// A password that is no password at all uses nothing.
	fresh := in.Principal
	for range 10 {
		_, err := h.ChangePassword(ctx, fresh, adaPassword, "short")
		wantCode(t, err, refusal.ValidationFailed)
	}
}

// Each session had five, and a sign-in makes another session.
func TestPasswordChangesAreLimitedForTheAccount(t *testing.T) {
	h := open(t, limited)
	h.register()
	var who []session.Principal
	for n := range 6 {
		in, err := h.SignIn(from(t.Context(), fmt.Sprintf("198.51.100.%d", n)), auth.Credentials{Email: adaEmail, Password: adaPassword})
		if err != nil {
			t.Fatal(err)
		}
		who = append(who, in.Principal)
	}
	for n := range 5 {
		_, err := h.ChangePassword(t.Context(), who[n], "wrong", newPassword)
		wantCode(t, err, refusal.WrongPassword)
	}
	_, err := h.ChangePassword(t.Context(), who[5], adaPassword, newPassword)
	e := wantCode(t, err, refusal.TooManyAttempts)
	wantCode(t, h.DeleteAccount(t.Context(), who[5], adaPassword), refusal.TooManyAttempts)
	if e.RetryAfter != 12*time.Minute {
		t.Errorf("wait %s", e.RetryAfter)
	}
	h.clock.Advance(e.RetryAfter)
	who[5] = h.signInAgain(t)
	if _, err := h.ChangePassword(t.Context(), who[5], adaPassword, newPassword); err != nil {
		t.Errorf("after Retry-After: %v", err)
	}
}

func (h *harness) signInAgain(t *testing.T) session.Principal {
	t.Helper()
	in, err := h.SignIn(from(t.Context(), "203.0.113.77"), auth.Credentials{Email: adaEmail, Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	return in.Principal
}

// One member wrote 400 rows a second into the audit trail.
func TestChangesOfTheNameAreLimitedForTheAccount(t *testing.T) {
	h := open(t, limited)
	h.register()
	first, second := h.signInAgain(t), h.signInAgain(t)
	for n := range 30 {
		if _, err := h.Rename(t.Context(), []session.Principal{first, second}[n%2], fmt.Sprint("Ada ", n)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"another", "Ada 29", "a\x00b"} {
		_, err := h.Rename(t.Context(), first, name)
		if e := wantCode(t, err, refusal.TooManyAttempts); e.RetryAfter != 2*time.Minute {
			t.Errorf("wait %s", e.RetryAfter)
		}
	}
	if n := len(h.eventsOf(auth.EventProfileChanged)); n != 30 {
		t.Errorf("%d entries in the trail", n)
	}
	// Administrators and the operator are not held up by it.
	admin := h.with("root@example.com", session.RoleAdmin)
	if _, err := h.ChangeUser(t.Context(), admin.Principal, first.UserID, nil, value(false)); err != nil {
		t.Errorf("an administrator: %v", err)
	}
	h.clock.Advance(2 * time.Minute)
	if _, err := h.ChangeUser(t.Context(), admin.Principal, first.UserID, nil, value(true)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Rename(t.Context(), h.signInAgain(t), "another"); err != nil {
		t.Errorf("after Retry-After: %v", err)
	}
}

// An administrator's session that switches an account on and off without end.
func TestAnAdministratorsChangesOfOneAccountAreLimited(t *testing.T) {
	h := open(t, limited)
	user := h.register()
	admin, other := h.with("root@example.com", session.RoleAdmin), h.with("deputy@example.com", session.RoleAdmin)
	change := func(by session.Principal, id string, active bool) error {
		_, err := h.ChangeUser(t.Context(), by, id, nil, &active)
		return err
	}
	for n := range 30 {
		if err := change(admin.Principal, user.ID, n%2 == 1); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, change(admin.Principal, user.ID, false), refusal.TooManyAttempts)
	for what, err := range map[string]error{
		"another account": change(admin.Principal, other.Principal.UserID, false),
		"another hand":    change(other.Principal, user.ID, false),
		"the operator":    change(session.Principal{UserID: "operator"}, user.ID, true),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
