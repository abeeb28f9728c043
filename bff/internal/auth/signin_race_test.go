package auth_test

import (
	"context"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// overtaken lets something happen between the reading of an account and the
// storing of its session: whoever changes the account finds no session then.
type overtaken struct {
	session.Store
	meanwhile func()
}

func (o *overtaken) Create(ctx context.Context, s session.Record) ([]string, error) {
	if o.meanwhile != nil {
		o.meanwhile()
	}
	return o.Store.Create(ctx, s)
}

// changedUsers answers ByID with what has become of the account.
type changedUsers struct {
	auth.Users
	change func(*auth.User) error
}

func (u *changedUsers) ByID(ctx context.Context, id string) (auth.User, error) {
	user, err := u.Users.ByID(ctx, id)
	if err == nil && u.change != nil {
		err = u.change(&user)
	}
	return user, err
}

func hashed(t *testing.T, pw string) string {
	t.Helper()
	h, err := password.NewHasher(5, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := h.Hash(t.Context(), password.Party{}, pw)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestSignInThatAChangeOvertakes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*auth.User) error
		code   refusal.Code // "" for success
	}{
		{"nothing", nil, ""},
		{"another role", func(u *auth.User) error { u.Role = session.RoleAdmin; return nil }, ""},
		{"disabled", func(u *auth.User) error { u.Active = false; return nil }, refusal.AccountDisabled},
		{"another password", func(u *auth.User) error { u.PasswordHash = hashed(t, "quite another one"); return nil }, refusal.InvalidCredentials},
		// By another sign-in, which found it of a lower cost.
		{"the same password hashed anew", func(u *auth.User) error { u.PasswordHash = hashed(t, adaPassword); return nil }, ""},
		{"deleted", func(*auth.User) error { return auth.ErrNoUser }, refusal.InvalidCredentials},
		{"database away", func(*auth.User) error { return auth.ErrDatabase }, refusal.DatabaseUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			users, sessions := &changedUsers{}, &overtaken{}
			h := open(t, func(d *auth.Deps) {
				users.Users, sessions.Store = d.Users, d.Sessions
				d.Users, d.Sessions = users, sessions
			})
			u := h.register()
			sessions.meanwhile = func() { users.change = tt.change }
			in, err := h.SignIn(t.Context(), auth.Credentials{Email: adaEmail, Password: adaPassword})
			if tt.code != "" {
				wantCode(t, err, tt.code)
				eventually(t, "no session is left", func() bool {
					list, err := sessiontest.ListSessions(t.Context(), h.sessions, u.ID)
					return err == nil && len(list) == 0
				})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := session.RoleUser
			if tt.name == "another role" {
				want = session.RoleAdmin
			}
			for range 2 {
				g, err := h.Authenticate(t.Context(), in.Cookies.Access, in.Cookies.Refresh)
				if err != nil || g.Principal.Role != want || g.Cookies != nil {
					t.Errorf("as %q, cookies %v, %v; want as %q", g.Principal.Role, g.Cookies, err, want)
				}
			}
			if g, err := h.Refresh(t.Context(), in.Cookies.Refresh); err != nil || g.Principal.Role != want {
				t.Errorf("renewed as %q, %v", g.Principal.Role, err)
			}
		})
	}
}
