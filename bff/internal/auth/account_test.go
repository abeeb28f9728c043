package auth_test

import (
	"errors"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const newPassword = "difference engine no. 2"

func TestRename(t *testing.T) {
	h, c := arrived(t)
	user, err := h.Rename(t.Context(), h.who(c), "Augusta")
	if err != nil || user.Name != "Augusta" {
		t.Fatalf("%+v, %v", user, err)
	}
	// No token carries a name: nothing is refreshed, and nothing closed.
	if g, err := h.Authenticate(t.Context(), c.Access, c.Refresh); err != nil || g.Cookies != nil {
		t.Errorf("%+v, %v", g, err)
	}
	if len(h.ended) != 0 {
		t.Errorf("a change of the name closed live connections: %+v", <-h.ended)
	}
	rec, err := h.sessions.Get(t.Context(), c.UserID, c.SessionID)
	if err != nil || rec.Account.Name != "Augusta" {
		t.Errorf("the record says %q, %v", rec.Account.Name, err)
	}
	if e := h.eventsOf(auth.EventProfileChanged); len(e) != 1 || e[0].UserID != c.UserID || e[0].ActorID != c.UserID {
		t.Errorf("audit %+v", e)
	}
	_, err = h.Rename(t.Context(), h.who(c), "a\x00b")
	if e := wantCode(t, err, refusal.ValidationFailed); e.Fields["name"] == "" {
		t.Errorf("%+v", e)
	}
}

func TestChangePassword(t *testing.T) {
	h, mine := arrived(t)
	other := h.signIn(true)
	g, err := h.ChangePassword(t.Context(), h.who(mine), adaPassword, newPassword)
	if err != nil || g.Cookies == nil || g.Cookies.SessionID != mine.SessionID || g.Cookies.Generation != mine.Generation+1 {
		t.Fatalf("%+v, %v; want the own session's next generation", g, err)
	}
	_, err = h.Authenticate(t.Context(), other.Access, other.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	h.who(g.Cookies)
	_, err = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.InvalidCredentials)
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: newPassword}); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if e := h.eventsOf(auth.EventPasswordChanged); len(e) != 1 {
		t.Errorf("audit %+v", e)
	}
	eventually(t, "the end of the other session in the trail", func() bool {
		e := h.eventsOf(auth.EventSessionRevoked)
		return len(e) == 1 && e[0].SessionID == other.SessionID && e[0].Detail == string(session.ReasonPassword)
	})
}

func TestChangePasswordRefuses(t *testing.T) {
	h, c := arrived(t)
	other := h.signIn(false)
	for _, tt := range []struct {
		name, current, next, field string
		code                       refusal.Code
	}{
		{"wrong", "not the one", newPassword, "", refusal.WrongPassword},
		{"empty", "", newPassword, "currentPassword", refusal.ValidationFailed},
		{"weak", adaPassword, "password", "newPassword", refusal.ValidationFailed},
		{"own name", adaPassword, "ada ada ada", "newPassword", refusal.ValidationFailed},
	} {
		_, err := h.ChangePassword(t.Context(), h.who(c), tt.current, tt.next)
		if e := wantCode(t, err, tt.code); tt.field != "" && e.Fields[tt.field] == "" {
			t.Errorf("%s: fields %v", tt.name, e.Fields)
		}
	}
	h.who(other)
	if e := h.eventsOf(auth.EventPasswordChanged); len(e) != 0 {
		t.Errorf("audit %+v", e)
	}
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword}); err != nil {
		t.Errorf("the password was changed: %v", err)
	}
}

// What cannot be followed by the end of the other sessions is not begun.
func TestPasswordStaysWhileTheStoreIsAway(t *testing.T) {
	h, c := arrived(t)
	who := h.who(c)
	h.sessions.Fail(errors.New("away"))
	_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	wantCode(t, h.DeleteAccount(t.Context(), who, adaPassword), refusal.SessionStoreUnavailable)
	h.sessions.Fail(nil)
	if _, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword}); err != nil {
		t.Error(err)
	}
}

func TestPasswordChangesAreLimited(t *testing.T) {
	h, c := arrived(t, func(d *auth.Deps) { d.Limits = auth.DefaultLimits })
	who := h.who(c)
	for range auth.DefaultLimits.Password.Count {
		_, err := h.ChangePassword(t.Context(), who, "wrong", newPassword)
		wantCode(t, err, refusal.WrongPassword)
	}
	_, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword)
	e := wantCode(t, err, refusal.TooManyAttempts)
	wantCode(t, h.DeleteAccount(t.Context(), who, adaPassword), refusal.TooManyAttempts)
	h.clock.Advance(e.RetryAfter)
	who = h.who(h.signIn(false))
	if _, err := h.ChangePassword(t.Context(), who, adaPassword, newPassword); err != nil {
		t.Errorf("after Retry-After: %v", err)
	}
}

func TestDeleteAccount(t *testing.T) {
	h, c := arrived(t)
	other := h.signIn(false)
	wantCode(t, h.DeleteAccount(t.Context(), h.who(c), "not the one"), refusal.WrongPassword)
	h.who(c)
	if err := h.DeleteAccount(t.Context(), h.who(c), adaPassword); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []*session.Cookies{c, other} {
		_, err := h.Authenticate(t.Context(), gone.Access, gone.Refresh)
		wantCode(t, err, refusal.SessionRevoked)
	}
	_, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.InvalidCredentials)
	if e := h.eventsOf(auth.EventAccountDeleted); len(e) != 1 || e[0].UserID != c.UserID {
		t.Errorf("audit %+v", e)
	}
	h.register() // the address is free again
}
