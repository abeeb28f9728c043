package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Whatever an operator did is in the audit trail, also what is written there
// off the way, by a process that has ended since.
func TestOperatorLeavesATrail(t *testing.T) {
	commands := []operator.Command{
		{Verb: operator.SignOutUser}, {Verb: operator.SetRole, Role: "admin"}, {Verb: operator.SetPassword, Password: "four otters by the weir"},
		{Verb: operator.DisableUser}, {Verb: operator.EnableUser},
	}
	left := []string{"password_changed", "registered", "role_changed", "session_revoked", "user_disabled", "user_enabled"}
	works := func(d *desk) {
		d.creates("boss@example.com", "admin")
		for _, c := range commands {
			c.Email = "ada@example.com"
			d.does(c)
		}
	}
	trail := func(t *testing.T, s *site) {
		t.Helper()
		var seen []string
		s.eventually("the trail", func() bool {
			seen = nil
			for _, e := range s.get("/api/admin/audit", s.signedIn("boss@example.com")).want(t, 200).json(t)["events"].([]any) {
				if e := e.(object); e["actorId"] == "operator" {
					seen = append(seen, e["type"].(string))
				}
			}
			slices.Sort(seen)
			return len(seen) >= len(left)
		})
		if !slices.Equal(seen, left) {
			t.Errorf("%q, want %q", seen, left)
		}
	}
	t.Run("beside a server", func(t *testing.T) {
		onBoth(t, func(t *testing.T, s *site) {
			s.somebody("ada@example.com")
			works(s.desk())
			trail(t, s)
		})
	})
	t.Run("without one", func(t *testing.T) {
		onBoth(t, func(t *testing.T, s *site) {
			s.somebody("ada@example.com")
			s.stop()
			works(s.desk())
			s.start()
			trail(t, s)
		})
	})
}

// An account is changed at once while its sessions cannot be reached, and they
// follow. Before, an account could not be disabled during an outage.
func TestOperatorWhileRedisIsAway(t *testing.T) {
	const password = "four otters by the weir"
	s := onServices(t).start()
	with := s.somebody("ada@example.com")
	d := s.desk()
	d.env = maps.Clone(s.env)
	d.env["REDIS_URL"] = "redis://" + freeAddr(t)
	d.creates("boss@example.com", "admin") // no session has to do with it
	for _, c := range []operator.Command{
		{Verb: operator.SignOutUser}, {Verb: operator.SetRole, Role: "admin"}, {Verb: operator.SetPassword, Password: password}, {Verb: operator.DisableUser},
	} {
		c.Email = "ada@example.com"
		d.refused(c, "session_store_unavailable: ", "connection refused", "run the command again")
	}
	b := s.browser()
	b.do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 401, "invalid_credentials")
	b.do("POST", "/api/auth/login", map[string]string{"email": "ada@example.com", "password": password}, somewhere()...).want(t, 403, "account_disabled")
	s.clock.Advance(6 * time.Second)
	s.eventually("its session to end", func() bool { return s.get("/api/auth/me", with).StatusCode == 401 })
}
