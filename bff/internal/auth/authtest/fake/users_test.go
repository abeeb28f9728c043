package fake_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest/fake"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestUsers(t *testing.T) {
	authtest.RunUsers(t, func(*testing.T) auth.Users { return fake.NewUsers(new(fake.Audit)) })
}

type trail struct{ *fake.Audit }

func (a trail) Events(*testing.T) []auth.Event { return a.Audit.Events() }

func TestAudit(t *testing.T) {
	authtest.RunAudit(t, func(*testing.T) (auth.Users, authtest.Trail) {
		audit := new(fake.Audit)
		return fake.NewUsers(audit), trail{audit}
	})
}

func TestAuditKeeper(t *testing.T) {
	authtest.RunAuditKeeper(t, func(_ *testing.T, now func() time.Time) authtest.KeptTrail {
		audit := new(fake.Audit)
		audit.SetClock(now)
		return trail{audit}
	})
}

func TestUsersFail(t *testing.T) {
	audit := new(fake.Audit)
	users := fake.NewUsers(audit)
	u := auth.User{
		ID: "u", Email: auth.Email{Key: "a@example.com", Address: "a@example.com"}, Role: session.RoleUser, PasswordHash: "h", Active: true,
	}
	down := errors.New("pulled the plug")

	audit.Fail(down)
	if err := users.Create(t.Context(), u, auth.Event{ID: "e"}); !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, down) {
		t.Errorf("create without an audit trail: %v", err)
	}
	audit.Fail(nil)
	users.Fail(down)
	if _, err := users.ByID(t.Context(), "u"); !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, down) {
		t.Errorf("get of users that cannot be asked: %v", err)
	}
	users.Fail(nil)
	if _, err := users.ByID(t.Context(), "u"); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("an account was made without its event: %v", err)
	}
	if err := users.Create(t.Context(), u, auth.Event{ID: "e"}); err != nil {
		t.Fatal(err)
	}
	audit.Fail(down)
	_, change := users.Change(t.Context(), "u", auth.UserChange{Name: new("New")}, auth.Event{ID: "e2"})
	for op, err := range map[string]error{"change": change, "delete": users.Delete(t.Context(), "u", auth.Event{ID: "e3"}, auth.PendingSync{ID: "settlement " + "u", UserID: "u"})} {
		if !errors.Is(err, auth.ErrDatabase) || !errors.Is(err, down) {
			t.Errorf("%s without an audit trail: %v", op, err)
		}
	}
	audit.Fail(nil)
	if got, err := users.ByID(t.Context(), "u"); err != nil || got.Name != "" {
		t.Errorf("changed without its event: %+v, %v", got, err)
	}
}
