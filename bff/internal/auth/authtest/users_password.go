package authtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

func testSetPasswordHash(t *testing.T, users auth.Users) {
	u, other := person(), person()
	other.PasswordHash = u.PasswordHash
	create(t, users, u)
	create(t, users, other)
	stays := func(what, id, old string) {
		t.Helper()
		must(t, users.SetPasswordHash(t.Context(), id, old, "$2a$12$never"))
		t.Log(what)
		known(t, users, u)
		known(t, users, other)
	}
	stays("another old hash", u.ID, "$2a$12$somethingelse")
	stays("no old hash", u.ID, "")
	stays("the old hash in other case", u.ID, strings.ToLower(u.PasswordHash))
	stays("the old hash with a space", u.ID, u.PasswordHash+" ")
	stays("nobody", rand.Text(), u.PasswordHash)
	stays("the ID in other case", strings.ToLower(u.ID), u.PasswordHash)

	old := u.PasswordHash
	u.PasswordHash = "$2a$14$next"
	must(t, users.SetPasswordHash(t.Context(), u.ID, old, u.PasswordHash))
	known(t, users, u)
	known(t, users, other)
	stays("the hash before", u.ID, old)

	for _, next := range []string{"", strings.Repeat("x", 256)} {
		if err := users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, next); !errors.Is(err, auth.ErrDatabase) {
			t.Errorf("a new hash of %d bytes: %v, want ErrDatabase", len(next), err)
		}
	}
	known(t, users, u)
}

func testSetPasswordHashRace(t *testing.T, users auth.Users) {
	u := person()
	create(t, users, u)
	var run errgroup.Group
	for i := range 16 {
		run.Go(func() error {
			return users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, fmt.Sprintf("$2a$12$%d", i))
		})
	}
	must(t, run.Wait())
	got, err := users.ByID(t.Context(), u.ID)
	must(t, err)
	if got.PasswordHash == u.PasswordHash {
		t.Error("nobody's hash was stored")
	}
	// A late change with the first hash as condition has no effect.
	must(t, users.SetPasswordHash(t.Context(), u.ID, u.PasswordHash, "$2a$12$late"))
	u.PasswordHash = got.PasswordHash
	known(t, users, u)
}
