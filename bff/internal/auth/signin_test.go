package auth_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

func TestRegister(t *testing.T) {
	h := open(t)
	u, err := h.Register(auth.WithClient(t.Context(), session.Client{IP: "192.0.2.7", RequestID: "r-1"}),
		auth.Registration{Email: " Ada@Example.com ", Password: adaPassword, Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	if u.Email.Address != "Ada@example.com" || u.Email.Key != adaEmail || u.Role != session.RoleUser || !u.Active || u.EmailVerified {
		t.Errorf("user = %+v", u)
	}
	if strings.Contains(u.PasswordHash, adaPassword) {
		t.Error("the password is stored as it is")
	}
	if e := h.eventsOf(auth.EventRegistered); len(e) != 1 || e[0].UserID != u.ID || e[0].IP != "192.0.2.7" || e[0].RequestID != "r-1" {
		t.Errorf("audit = %+v", e)
	}
}

// A browser chooses its own words, and every record of it would keep them all.
func TestLongUserAgentsAreCut(t *testing.T) {
	h := open(t)
	for sent, kept := range map[string]string{
		"Browser/1.0": "Browser/1.0", strings.Repeat("x", 256): strings.Repeat("x", 256), strings.Repeat("x", 1000): strings.Repeat("x", 256),
		strings.Repeat("x", 255) + "é": strings.Repeat("x", 255), "caf\xe9": "caf",
	} {
		in, err := h.Register(auth.WithClient(t.Context(), session.Client{UserAgent: sent}),
			auth.Registration{Email: rand.Text() + "@example.com", Password: adaPassword, Name: "Ada"})
		if err != nil {
			t.Fatal(err)
		}
		events := h.eventsOf(auth.EventRegistered)
		if e := events[slices.IndexFunc(events, func(e auth.Event) bool { return e.UserID == in.ID })]; e.UserAgent != kept {
			t.Errorf("of %d bytes %d are kept: %q", len(sent), len(e.UserAgent), e.UserAgent)
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    auth.Registration
		field string
	}{
		{"no email", auth.Registration{Password: adaPassword}, "email"},
		{"odd email", auth.Registration{Email: "ada", Password: adaPassword}, "email"},
		{"no password", auth.Registration{Email: adaEmail}, "password"},
		{"short password", auth.Registration{Email: adaEmail, Password: "xk7!q"}, "password"},
		{"common password", auth.Registration{Email: adaEmail, Password: "password123"}, "password"},
		{"the email's name in it", auth.Registration{Email: "lovelace@example.com", Password: "Lovelace rules the waves"}, "password"},
		{"control character in the password", auth.Registration{Email: adaEmail, Password: adaPassword + "\x00"}, "password"},
		{"long password", auth.Registration{Email: adaEmail, Password: strings.Repeat("äx7 ", 65)}, "password"},
		{"long name", auth.Registration{Email: adaEmail, Password: adaPassword, Name: strings.Repeat("ä", 101)}, "name"},
		{"control character in the name", auth.Registration{Email: adaEmail, Password: adaPassword, Name: "Ada\nLovelace"}, "name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			_, err := h.Register(t.Context(), tt.in)
			e := wantCode(t, err, refusal.ValidationFailed)
			if len(e.Fields) != 1 || e.Fields[tt.field] == "" {
				t.Errorf("fields = %v, want %s only", e.Fields, tt.field)
			}
			if len(h.audit.Events()) != 0 {
				t.Error("a refused registration left an event")
			}
		})
	}
}

func TestRegisterNamesEveryMistakeAtOnce(t *testing.T) {
	h := open(t)
	_, err := h.Register(t.Context(), auth.Registration{Email: "x", Password: "y", Name: "\x01"})
	if e := wantCode(t, err, refusal.ValidationFailed); len(e.Fields) != 3 {
		t.Errorf("fields = %v", e.Fields)
	}
}

func TestOneAccountPerAddress(t *testing.T) {
	h := open(t)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		email := []string{"ada@example.com", "ADA@example.com", "Ada@EXAMPLE.com"}[i%3]
		wg.Go(func() {
			_, errs[i] = h.Register(t.Context(), auth.Registration{Email: email, Password: adaPassword})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			wantCode(t, err, refusal.EmailTaken)
		}
	}
	if made != 1 || len(h.eventsOf(auth.EventRegistered)) != 1 {
		t.Errorf("%d accounts and %d events, want one of each", made, len(h.eventsOf(auth.EventRegistered)))
	}
}

func TestFailedRegistrationLeavesNoAccount(t *testing.T) {
	h := open(t)
	h.audit.Fail(errors.New("disk full")) // account and event are one transaction
	_, err := h.Register(t.Context(), auth.Registration{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.DatabaseUnavailable)
	h.audit.Fail(nil)
	if _, err := h.users.ByEmail(t.Context(), adaEmail); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("half a registration: %v", err)
	}
}

func TestClosedSignup(t *testing.T) {
	h := open(t, func(d *auth.Deps) { d.SignupOpen = false })
	_, err := h.Register(t.Context(), auth.Registration{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.SignupClosed)
}

func TestSignIn(t *testing.T) {
	h := open(t)
	u := h.register()
	h.clock.Advance(time.Minute)
	in, err := h.SignIn(t.Context(), auth.Credentials{Email: "ADA@example.com", Password: adaPassword})
	if err != nil {
		t.Fatal(err)
	}
	if in.Principal.UserID != u.ID || in.Cookies.Generation != 1 || in.Cookies.MaxAge != 0 {
		t.Errorf("%+v %+v", in.Principal, in.Cookies)
	}
	if !h.tokens.VerifyDevice(in.Device, u.ID) {
		t.Error("no device mark")
	}
	again, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword, Device: in.Device, Remember: true})
	if err != nil {
		t.Fatal(err)
	}
	if again.Cookies.SessionID == in.Cookies.SessionID {
		t.Error("a sign-in is always a new session")
	}
	if again.Device != in.Device {
		t.Error("a known browser keeps its mark")
	}
	if again.Cookies.MaxAge != policy.RememberTTL {
		t.Errorf("remember me: Max-Age %s", again.Cookies.MaxAge)
	}
}

func TestSignInRefuses(t *testing.T) {
	h := open(t)
	u := h.register()
	for _, tt := range []struct {
		name, email, password string
		want                  refusal.Code
	}{
		{"wrong password", adaEmail, adaPassword + "!", refusal.InvalidCredentials},
		{"unknown email", "eve@example.com", adaPassword, refusal.InvalidCredentials},
		{"right password and a NUL", adaEmail, adaPassword + "\x00" + adaPassword, refusal.InvalidCredentials},
		{"another case", adaEmail, strings.ToUpper(adaPassword), refusal.InvalidCredentials},
		{"a space more", adaEmail, adaPassword + " ", refusal.InvalidCredentials},
		{"no password", adaEmail, "", refusal.ValidationFailed},
		{"no email", "", adaPassword, refusal.ValidationFailed},
		{"endless password", adaEmail, strings.Repeat("x", 300), refusal.ValidationFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.SignIn(t.Context(), auth.Credentials{Email: tt.email, Password: tt.password})
			wantCode(t, err, tt.want)
		})
	}
	t.Run("disabled account, wrong password", func(t *testing.T) {
		h.clock.Advance(auth.AttemptsKept) // the failures so far are forgotten
		if _, err := h.users.Change(t.Context(), u.ID, auth.UserChange{Active: value(false)}); err != nil {
			t.Fatal(err)
		}
		_, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: "wrong password"})
		wantCode(t, err, refusal.InvalidCredentials)
		_, err = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
		wantCode(t, err, refusal.AccountDisabled)
	})
	if list, err := sessiontest.ListSessions(t.Context(), h.sessions, u.ID); err != nil || len(list) != 0 {
		t.Errorf("refused sign-ins left %d sessions (%v)", len(list), err)
	}
}

func TestFailedSignInIsAudited(t *testing.T) {
	h := open(t)
	u := h.register()
	for _, email := range []string{adaEmail, "eve@example.com"} {
		_, err := h.SignIn(t.Context(), auth.Credentials{Email: email, Password: "wrong password"})
		wantCode(t, err, refusal.InvalidCredentials)
	}
	eventually(t, "two failures in the trail", func() bool { return len(h.eventsOf(auth.EventLoginFailed)) == 2 })
	found := map[string]bool{}
	for _, e := range h.eventsOf(auth.EventLoginFailed) {
		found[e.UserID] = true
		if e.Detail != "wrong email or password" {
			t.Errorf("detail %q", e.Detail)
		}
	}
	if !found[u.ID] || !found[""] {
		t.Errorf("users in the trail: %v", found)
	}
}

func TestSignInWhileAStoreIsAwayGivesNoCookies(t *testing.T) {
	h := open(t)
	h.register()
	h.sessions.Fail(errors.New("away"))
	in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.SessionStoreUnavailable)
	if in.Cookies != nil || in.Device != "" {
		t.Error("cookies of a session that is not stored")
	}
	h.sessions.Fail(nil)
	h.users.Fail(errors.New("away"))
	_, err = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.DatabaseUnavailable)
}

func TestOldHashIsRaisedAtSignIn(t *testing.T) {
	const cost = bcrypt.MinCost + 1
	passwords, err := password.NewHasher(cost, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, func(d *auth.Deps) { d.Passwords = passwords })
	u := h.register()
	old, err := bcrypt.GenerateFromPassword([]byte(adaPassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, string(old)); err != nil {
		t.Fatal(err)
	}
	h.signIn(false)
	raised, err := h.users.ByID(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bcrypt.Cost([]byte(raised.PasswordHash)); err != nil || got != cost {
		t.Fatalf("cost %d, %v; want %d", got, err, cost)
	}
	h.signIn(false)
	if again, _ := h.users.ByID(t.Context(), u.ID); again.PasswordHash != raised.PasswordHash {
		t.Error("a hash of today's cost was made anew")
	}
}

func TestSignOut(t *testing.T) {
	h, c := arrived(t)
	if err := h.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
		t.Fatal(err)
	}
	_, err := h.Authenticate(t.Context(), c.Access, "")
	wantCode(t, err, refusal.SessionRevoked) // the unexpired access token is dead too
	_, err = h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	for name, cookies := range map[string][2]string{
		"twice": {c.Access, c.Refresh}, "without a session": {"", ""}, "garbage": {"x", "y"},
	} {
		if err := h.SignOut(t.Context(), cookies[0], cookies[1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignOutByAnExpiredToken(t *testing.T) {
	h, c := arrived(t)
	h.clock.Advance(policy.AccessTTL)
	if err := h.SignOut(t.Context(), c.Access, ""); err != nil {
		t.Fatal(err)
	}
	_, err := h.Refresh(t.Context(), c.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
}

func TestSignOutLeavesOthersAlone(t *testing.T) {
	h, c := arrived(t)
	other := h.signIn(false)
	if err := h.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Refresh(t.Context(), other.Refresh); err != nil {
		t.Errorf("the other browser: %v", err)
	}
}

func TestSignOutWhileTheStoreIsAwayIsFinishedLater(t *testing.T) {
	h, c := arrived(t)
	h.sessions.Fail(errors.New("away"))
	wantCode(t, h.SignOut(t.Context(), c.Access, c.Refresh), refusal.SessionStoreUnavailable)
	_, err := h.Authenticate(t.Context(), c.Access, "")
	wantCode(t, err, refusal.SessionRevoked) // here at once
	h.sessions.Fail(nil)
	eventually(t, "the session to end in the store", func() bool {
		_, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
		return errors.Is(err, session.ErrNoSession)
	})
}

// The store had been emptied: signing out said yes, and a copy of the access
// token worked on for a quarter of an hour.
func TestSignOutWithoutARecordKillsTheAccessToken(t *testing.T) {
	h, c := arrived(t)
	// As a flush leaves it: no record, and no announcement on this side.
	bare := open(t, func(d *auth.Deps) { d.Tokens = h.tokens })
	if err := bare.SignOut(t.Context(), c.Access, c.Refresh); err != nil {
		t.Fatal(err)
	}
	_, err := bare.Authenticate(t.Context(), c.Access, "")
	wantCode(t, err, refusal.SessionRevoked)
	if r := <-bare.ended; r.SessionID != c.SessionID {
		t.Errorf("told %+v", r)
	}
}

// Counted before NFC, a password that sign-up had taken was too long to sign
// in with.
func TestDecomposedPasswordSignsInAsItSignedUp(t *testing.T) {
	h := open(t)
	pw := strings.Repeat("e\u0301a\u0300o\u0302 x7", 30) // 180 characters composed, 270 as typed
	if _, err := h.Register(t.Context(), auth.Registration{Email: adaEmail, Password: pw}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: pw}); err != nil {
		t.Error(err)
	}
}
