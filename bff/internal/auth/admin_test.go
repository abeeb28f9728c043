package auth_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// with makes an account and signs it in.
func (h *harness) with(email string, role session.Role) auth.SignedIn {
	h.t.Helper()
	if _, err := h.CreateUser(h.t.Context(), session.Principal{UserID: "operator"}, auth.Registration{Email: email, Password: adaPassword}, role); err != nil {
		h.t.Fatal(err)
	}
	in, err := h.SignIn(h.t.Context(), auth.Credentials{Email: email, Password: adaPassword})
	if err != nil {
		h.t.Fatal(err)
	}
	return in
}

func value[T any](v T) *T { return &v }

func TestAdministratorChangesARole(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleUser)
	user, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, value(session.RoleAdmin), nil)
	if err != nil || user.Role != session.RoleAdmin {
		t.Fatalf("%+v, %v", user, err)
	}
	g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	if err != nil || g.Principal.Role != session.RoleAdmin || g.Cookies == nil {
		t.Errorf("the next request: %+v, %v", g.Principal, err)
	}
	e := h.eventsOf(auth.EventRoleChanged)
	if len(e) != 1 || e[0].ActorID != boss.Principal.UserID || e[0].UserID != user.ID || e[0].Detail != "user to admin" {
		t.Errorf("audit %+v", e)
	}
	// The same once more is no event.
	if _, err := h.ChangeUser(t.Context(), boss.Principal, user.ID, value(session.RoleAdmin), value(true)); err != nil || len(h.eventsOf(auth.EventRoleChanged)) != 1 {
		t.Errorf("%v, %d events", err, len(h.eventsOf(auth.EventRoleChanged)))
	}
	_, err = h.ChangeUser(t.Context(), boss.Principal, user.ID, value(session.Role("root")), nil)
	wantCode(t, err, refusal.ValidationFailed)
	_, err = h.ChangeUser(t.Context(), boss.Principal, "nobody", value(session.RoleUser), nil)
	wantCode(t, err, refusal.NotFound)
}

func TestAdministratorDisablesAndEnables(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleUser)
	if _, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, nil, value(false)); err != nil {
		t.Fatal(err)
	}
	_, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	_, err = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
	wantCode(t, err, refusal.AccountDisabled)
	_, err = h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: "not the one"})
	wantCode(t, err, refusal.InvalidCredentials) // only the right password is told
	if _, err := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, nil, value(true)); err != nil {
		t.Fatal(err)
	}
	h.signIn(false)
	if d, e := h.eventsOf(auth.EventUserDisabled), h.eventsOf(auth.EventUserEnabled); len(d) != 1 || len(e) != 1 {
		t.Errorf("audit %+v, %+v", d, e)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	h := open(t)
	boss := h.with("boss@example.com", session.RoleAdmin)
	for _, change := range []func() error{
		func() error {
			_, err := h.ChangeUser(t.Context(), boss.Principal, boss.Principal.UserID, value(session.RoleUser), nil)
			return err
		},
		func() error {
			_, err := h.ChangeUser(t.Context(), boss.Principal, boss.Principal.UserID, nil, value(false))
			return err
		},
		func() error { return h.DeleteAccount(t.Context(), boss.Principal, adaPassword) },
	} {
		wantCode(t, change(), refusal.LastAdmin)
		h.who(boss.Cookies)
	}
	h.with("second@example.com", session.RoleAdmin)
	if _, err := h.ChangeUser(t.Context(), boss.Principal, boss.Principal.UserID, value(session.RoleUser), nil); err != nil {
		t.Errorf("with a second one: %v", err)
	}
}

func TestAdministratorEndsSessions(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleUser)
	wantCode(t, h.EndUserSessions(t.Context(), boss.Principal, "nobody"), refusal.NotFound)
	if err := h.EndUserSessions(t.Context(), boss.Principal, ada.Principal.UserID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	wantCode(t, err, refusal.SessionRevoked)
	h.who(boss.Cookies)
	h.signIn(false) // the account goes on
}

// What a change has yet to do is stored with it: the instance that made it may
// have crashed, or lost the answer to its COMMIT, or met a session store that
// went away. Sessions of disabled and deleted accounts used to live on for good.
func TestOutboxIsFlushedByAnyInstance(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(h *harness, id string, x auth.PendingSync) error
		ends   bool
	}{
		{"disabled", func(h *harness, id string, x auth.PendingSync) error {
			_, err := h.users.Change(t.Context(), id, auth.UserChange{Active: value(false), Sync: &x})
			return err
		}, true},
		{"deleted", func(h *harness, id string, x auth.PendingSync) error {
			return h.users.Delete(t.Context(), id, auth.Event{ID: "e"}, x)
		}, true},
		{"another password", func(h *harness, id string, x auth.PendingSync) error {
			x.EndOlder = true
			_, err := h.users.Change(t.Context(), id, auth.UserChange{PasswordHash: value("x"), Sync: &x})
			return err
		}, true},
		{"another password, by this session", func(h *harness, id string, x auth.PendingSync) error {
			list, err := sessiontest.ListSessions(t.Context(), h.sessions, id)
			if err != nil {
				return err
			}
			x.EndOlder, x.KeepSession = true, list[0].ID
			_, err = h.users.Change(t.Context(), id, auth.UserChange{PasswordHash: value("x"), Sync: &x})
			return err
		}, false},
		{"another role", func(h *harness, id string, x auth.PendingSync) error {
			_, err := h.users.Change(t.Context(), id, auth.UserChange{Role: value(session.RoleAdmin), Sync: &x})
			return err
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			ada := h.with(adaEmail, session.RoleUser)
			id := ada.Principal.UserID
			if err := tt.change(h, id, auth.PendingSync{ID: "s", UserID: id, At: h.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			h.FlushOutbox(t.Context())
			h.who(ada.Cookies) // whoever made the change may be about to
			h.clock.Advance(6 * time.Second)
			h.sessions.Fail(errors.New("away"))
			h.FlushOutbox(t.Context())
			h.sessions.Fail(nil)
			h.who(ada.Cookies)
			h.FlushOutbox(t.Context())
			g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
			if tt.ends {
				wantCode(t, err, refusal.SessionRevoked)
			} else if err != nil || tt.name == "another role" && g.Principal.Role != session.RoleAdmin {
				t.Errorf("%+v, %v", g.Principal, err)
			}
			if rest, err := h.users.PendingSyncs(t.Context(), h.clock.Now(), 10); err != nil || len(rest) != 0 {
				t.Errorf("still to be settled: %+v, %v", rest, err)
			}
		})
	}
}

// Changes that went well leave nothing to be settled.
func TestOutboxIsFlushedInTheBackground(t *testing.T) {
	h := open(t)
	boss, ada := h.with("boss@example.com", session.RoleAdmin), h.with(adaEmail, session.RoleUser)
	_, err := h.Rename(t.Context(), ada.Principal, "Ada")
	_, err2 := h.ChangeUser(t.Context(), boss.Principal, ada.Principal.UserID, value(session.RoleAdmin), nil)
	g, err3 := h.ChangePassword(t.Context(), ada.Principal, adaPassword, newPassword)
	err4 := h.DeleteAccount(t.Context(), g.Principal, newPassword)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if rest, err := h.users.PendingSyncs(t.Context(), h.clock.Now(), 10); err != nil || len(rest) != 0 {
		t.Errorf("still to be settled: %+v, %v", rest, err)
	}
}

// mute is a store whose announcements fail.
type mute struct{ session.Revocations }

func (mute) Publish(context.Context, ...session.Revocation) error { return session.ErrSessionStore }

// The change was stored, not announced, and the process ended: a demoted
// administrator kept the role on live access tokens, and saying it again did
// not help.
func TestRepeatedRoleChangeIsAnnounced(t *testing.T) {
	h := open(t)
	h.with("boss@example.com", session.RoleAdmin)
	ada := h.with(adaEmail, session.RoleAdmin)
	stuck := open(t, func(d *auth.Deps) {
		d.Users, d.Sessions, d.Revocations, d.Tokens, d.Now = h.users, h.sessions, mute{h.sessions}, h.tokens, h.clock.Now
	})
	_, err := stuck.ChangeUser(t.Context(), session.Principal{UserID: "operator"}, ada.Principal.UserID, value(session.RoleUser), nil)
	wantCode(t, err, refusal.SessionStoreUnavailable)
	stuck.stop()
	if g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ""); err != nil || g.Principal.Role != session.RoleAdmin {
		t.Fatalf("announced after all: %v", err)
	}
	if _, err := h.ChangeUser(t.Context(), session.Principal{UserID: "operator"}, ada.Principal.UserID, value(session.RoleUser), nil); err != nil {
		t.Fatal(err)
	}
	g, err := h.Authenticate(t.Context(), ada.Cookies.Access, ada.Cookies.Refresh)
	if err != nil || g.Principal.Role != session.RoleUser {
		t.Errorf("still %q, %v", g.Principal.Role, err)
	}
}

func TestPagesOfUsersAndEvents(t *testing.T) {
	h := open(t)
	boss := h.with("boss@example.com", session.RoleAdmin)
	for i := range 60 {
		h.clock.Advance(time.Second)
		u := auth.User{
			ID: fmt.Sprint("id", i), Email: auth.Email{Address: fmt.Sprintf("u%d@example.com", i), Key: fmt.Sprintf("u%d@example.com", i)},
			Role: session.RoleUser, Active: true, PasswordHash: "x", CreatedAt: h.clock.Now().UTC(),
		}
		e := auth.Event{ID: fmt.Sprint("e", i), Type: auth.EventRegistered, UserID: u.ID, ActorID: u.ID, At: u.CreatedAt}
		if err := h.users.Create(t.Context(), u, e); err != nil {
			t.Fatal(err)
		}
	}
	first, next, err := h.Users(t.Context(), boss.Principal, "", auth.Position{})
	if err != nil || len(first) != 50 || first[0].ID != "id59" || next == (auth.Position{}) {
		t.Fatalf("%d users, next %v, %v", len(first), next, err)
	}
	second, next, err := h.Users(t.Context(), boss.Principal, "", next)
	if err != nil || len(second) != 11 || second[10].ID != boss.Principal.UserID || next != (auth.Position{}) {
		t.Errorf("%d users, next %v, %v", len(second), next, err)
	}
	if found, _, err := h.Users(t.Context(), boss.Principal, " BOSS ", auth.Position{}); err != nil || len(found) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	events, next, err := h.Trail(t.Context(), "", auth.EventRegistered, auth.Position{})
	if err != nil || len(events) != 50 || events[0].ID != "e59" || next == (auth.Position{}) {
		t.Errorf("%d events, next %v, %v", len(events), next, err)
	}
	own, _, err := h.Activity(t.Context(), session.Principal{UserID: "id7"}, auth.Position{})
	if err != nil || len(own) != 1 || own[0].ID != "e7" {
		t.Errorf("own activity %+v, %v", own, err)
	}
}
