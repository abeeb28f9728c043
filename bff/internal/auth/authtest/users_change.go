package authtest

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// about makes a new event of something done to u.
func about(u auth.User) auth.Event {
	e := event()
	e.Type, e.UserID = auth.EventProfileChanged, u.ID
	return e
}

// change makes a change that must succeed.
func change(t *testing.T, users auth.Users, u auth.User, c auth.UserChange) auth.User {
	t.Helper()
	got, err := users.Change(t.Context(), u.ID, c, about(u))
	must(t, err)
	return got
}

func testChange(t *testing.T, users auth.Users) {
	first, u, other := person(), person(), person()
	first.Role = session.RoleAdmin // so that u is never the last
	u.EmailVerified = true
	for _, u := range []auth.User{first, u, other} {
		create(t, users, u)
	}
	odd := `🦊 ' " \ %_! ` + "e\u0301 "
	for _, step := range []struct {
		name string
		c    auth.UserChange
		want func(u *auth.User)
	}{
		{"nothing", auth.UserChange{}, func(*auth.User) {}},
		{"the name", auth.UserChange{Name: &odd}, func(u *auth.User) { u.Name = odd }},
		{"no name", auth.UserChange{Name: new("")}, func(u *auth.User) { u.Name = "" }},
		{"the role", auth.UserChange{Role: new(session.RoleAdmin)}, func(u *auth.User) { u.Role = session.RoleAdmin }},
		{"the same role", auth.UserChange{Role: new(session.RoleAdmin)}, func(*auth.User) {}},
		{"the role back", auth.UserChange{Role: new(session.RoleUser)}, func(u *auth.User) { u.Role = session.RoleUser }},
		{"disabled", auth.UserChange{Active: new(false)}, func(u *auth.User) { u.Active = false }},
		{"a role while disabled", auth.UserChange{Role: new(session.RoleAdmin)}, func(u *auth.User) { u.Role = session.RoleAdmin }},
		{"enabled", auth.UserChange{Active: new(true)}, func(u *auth.User) { u.Active = true }},
		{"the password", auth.UserChange{PasswordHash: new("$2a$14$next")}, func(u *auth.User) { u.PasswordHash = "$2a$14$next" }},
		{
			"all at once",
			auth.UserChange{
				Name: new("New"), Role: new(session.RoleUser), Active: new(false),
				PasswordHash: new("$2a$14$last"), IfHash: "$2a$14$next",
			},
			func(u *auth.User) {
				u.Name, u.Role, u.Active, u.PasswordHash = "New", session.RoleUser, false, "$2a$14$last"
			},
		},
	} {
		step.want(&u)
		same(t, step.name, change(t, users, u, step.c), u)
		known(t, users, u)
		known(t, users, first)
		known(t, users, other)
	}
	got, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("Unheard of")}) // no event
	must(t, err)
	u.Name = "Unheard of"
	same(t, "without an event", got, u)
	known(t, users, u)
}

func testChangeTooLong(t *testing.T, users auth.Users) {
	u := person()
	create(t, users, u)
	for name, c := range map[string]auth.UserChange{
		"long name":      {Name: new(strings.Repeat("x", 101))},
		"name not UTF-8": {Name: new("caf\xe9")},
		"no role":        {Role: new(session.Role(""))},
		"no hash":        {PasswordHash: new("")},
		"long hash":      {PasswordHash: new(strings.Repeat("x", 256))},
		"one of two":     {Name: new("Fits"), PasswordHash: new(strings.Repeat("x", 256))},
	} {
		got, err := users.Change(t.Context(), u.ID, c, about(u))
		if !errors.Is(err, auth.ErrDatabase) || got != (auth.User{}) {
			t.Errorf("%s: %+v, %v; want ErrDatabase", name, got, err)
		}
		known(t, users, u)
	}
	longest := strings.Repeat("🦊", 100)
	u.Name = longest
	same(t, "the longest name", change(t, users, u, auth.UserChange{Name: &longest}), u)
}

func testChangeNobody(t *testing.T, users auth.Users) {
	u := person()
	u.ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	u.Role = session.RoleAdmin
	create(t, users, u)
	for _, id := range []string{
		"", rand.Text(), u.Email.Key, strings.ToLower(u.ID), u.ID + " ", u.ID[:25], "%", "\xff", "' OR '1'='1", strings.Repeat("x", 10_000),
	} {
		for name, c := range map[string]auth.UserChange{
			"rename": {Name: new("Nobody")}, "demote": {Role: new(session.RoleUser)}, "nothing": {}, "password": {IfHash: "x"},
		} {
			if got, err := users.Change(t.Context(), id, c, about(u)); !errors.Is(err, auth.ErrNoUser) || errors.Is(err, auth.ErrDatabase) || got != (auth.User{}) {
				t.Errorf("%s %.40q: %+v, %v; want ErrNoUser", name, id, got, err)
			}
		}
		if err := users.Delete(t.Context(), id, about(u), pendingSync(id)); !errors.Is(err, auth.ErrNoUser) || errors.Is(err, auth.ErrDatabase) {
			t.Errorf("delete %.40q: %v, want ErrNoUser", id, err)
		}
	}
	known(t, users, u)
}

func testChangeIfHash(t *testing.T, users auth.Users) {
	u := person()
	create(t, users, u)
	next := "$2a$14$next"
	for _, hash := range []string{"$2a$12$another", strings.ToLower(u.PasswordHash), u.PasswordHash + " ", u.PasswordHash[:20]} {
		got, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("Late"), PasswordHash: &next, IfHash: hash}, about(u))
		if !errors.Is(err, auth.ErrHashChanged) || errors.Is(err, auth.ErrDatabase) || got != (auth.User{}) {
			t.Errorf("if the hash were %q: %+v, %v; want ErrHashChanged", hash, got, err)
		}
		known(t, users, u)
	}
	old := u.PasswordHash
	u.PasswordHash = next
	same(t, "the right hash", change(t, users, u, auth.UserChange{PasswordHash: &next, IfHash: old}), u)
	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{PasswordHash: &old, IfHash: old}, about(u)); !errors.Is(err, auth.ErrHashChanged) {
		t.Errorf("the hash before: %v, want ErrHashChanged", err)
	}
	known(t, users, u)
	u.Name = "Any password"
	same(t, "no condition", change(t, users, u, auth.UserChange{Name: &u.Name}), u)
}

func testDelete(t *testing.T, users auth.Users) {
	u, other := person(), person()
	create(t, users, u)
	create(t, users, other)
	must(t, users.Delete(t.Context(), u.ID, about(u), pendingSync(u.ID)))
	unknown(t, users, u.ID, u.Email.Key)
	known(t, users, other)
	if err := users.Delete(t.Context(), u.ID, about(u), pendingSync(u.ID)); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("a second time: %v, want ErrNoUser", err)
	}
	if _, err := users.Change(t.Context(), u.ID, auth.UserChange{Name: new("Ghost")}, about(u)); !errors.Is(err, auth.ErrNoUser) {
		t.Errorf("a change afterwards: %v, want ErrNoUser", err)
	}
	again := person()
	again.Email = u.Email
	create(t, users, again)
	known(t, users, again)
	unknown(t, users, u.ID, "nobody")
}

func testLastAdmin(t *testing.T, users auth.Users) {
	admin, disabled, user := person(), person(), person()
	admin.Role, disabled.Role = session.RoleAdmin, session.RoleAdmin
	disabled.Active = false
	for _, u := range []auth.User{admin, disabled, user} {
		create(t, users, u)
	}
	remove := removals(users)
	refused := func(u auth.User) {
		t.Helper()
		for way, remove := range remove {
			if err := remove(t.Context(), u); !errors.Is(err, auth.ErrLastAdmin) || errors.Is(err, auth.ErrDatabase) {
				t.Errorf("%s the last one: %v, want ErrLastAdmin", way, err)
			}
			known(t, users, u)
		}
	}
	refused(admin) // neither the disabled one nor the user counts

	// A change that leaves an administrator is allowed.
	admin.Name, admin.PasswordHash = "Still Here", "$2a$14$next"
	same(t, "rename", change(t, users, admin, auth.UserChange{
		Name: &admin.Name, PasswordHash: &admin.PasswordHash, Role: new(session.RoleAdmin), Active: new(true),
	}), admin)
	// Nor is what happens to a user, or to an administrator who is disabled.
	for way, remove := range remove {
		another := person()
		create(t, users, another)
		if err := remove(t.Context(), another); err != nil {
			t.Errorf("%s a user: %v", way, err)
		}
		another = person()
		another.Role, another.Active = session.RoleAdmin, false
		create(t, users, another)
		if err := remove(t.Context(), another); err != nil {
			t.Errorf("%s a disabled administrator: %v", way, err)
		}
	}
	// A wrong password is said before that one is needed.
	_, err := users.Change(t.Context(), admin.ID, auth.UserChange{Active: new(false), IfHash: "another"}, about(admin))
	if !errors.Is(err, auth.ErrHashChanged) {
		t.Errorf("disable if the password were another: %v, want ErrHashChanged", err)
	}

	// With another active one each way is open, until that one is the last.
	for way, remove := range remove {
		second := person()
		second.Role = session.RoleAdmin
		create(t, users, second)
		if err := remove(t.Context(), admin); err != nil {
			t.Errorf("%s one of two: %v", way, err)
		}
		admin = second
		refused(admin)
	}
	disabled.Active = true
	same(t, "enable", change(t, users, disabled, auth.UserChange{Active: new(true)}), disabled)
	must(t, remove["demote"](t.Context(), admin))
	refused(disabled)

	// With another administrator the first one can be removed.
	user.Role = session.RoleAdmin
	same(t, "promote", change(t, users, user, auth.UserChange{Role: new(session.RoleAdmin)}), user)
	must(t, remove["delete"](t.Context(), disabled))
	refused(user)
}
