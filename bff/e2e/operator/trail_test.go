package operator

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Whatever an operator did is in the audit trail, also what is written there
// off the way, by a process that has ended since.
func TestOperatorsCommandsAreInTheAuditTrail(t *testing.T) {
	commands := []operator.Command{
		{Verb: operator.SignOutUser}, {Verb: operator.SetRole, Role: "admin"}, {Verb: operator.SetPassword, Password: "four otters by the weir"},
		{Verb: operator.DisableUser}, {Verb: operator.EnableUser},
	}
	left := []string{"password_changed", "registered", "role_changed", "session_revoked", "user_disabled", "user_enabled"}
	works := func(d *site.Operator) {
		d.CreateUser("boss@example.com", "admin")
		for _, c := range commands {
			c.Email = "ada@example.com"
			d.MustRun(c)
		}
	}
	trail := func(t *testing.T, s *site.Harness) {
		t.Helper()
		var seen []string
		s.Eventually("the trail", func() bool {
			seen = nil
			for _, e := range s.Get("/api/admin/audit", s.SignInTokens("boss@example.com")).Want(t, 200).JSON(t)["events"].([]any) {
				if e := e.(site.Object); e["actorId"] == "operator" {
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
		site.OnBoth(t, func(t *testing.T, s *site.Harness) {
			s.MemberTokens("ada@example.com")
			works(s.Operator())
			trail(t, s)
		})
	})
	t.Run("without one", func(t *testing.T) {
		site.OnBoth(t, func(t *testing.T, s *site.Harness) {
			s.MemberTokens("ada@example.com")
			s.Stop()
			works(s.Operator())
			s.Start()
			trail(t, s)
		})
	})
}

// An account is changed at once while its sessions cannot be reached, and they
// follow. Before, an account could not be disabled during an outage.
func TestOperatorWhileRedisIsAway(t *testing.T) {
	const password = "four otters by the weir"
	s := site.OnServices(t).Start()
	with := s.MemberTokens("ada@example.com")
	d := s.Operator()
	d.Env = maps.Clone(s.Env)
	d.Env["REDIS_URL"] = "redis://" + site.FreeAddr(t)
	d.CreateUser("boss@example.com", "admin") // no session has to do with it
	for _, c := range []operator.Command{
		{Verb: operator.SignOutUser}, {Verb: operator.SetRole, Role: "admin"}, {Verb: operator.SetPassword, Password: password}, {Verb: operator.DisableUser},
	} {
		c.Email = "ada@example.com"
		d.WantRefused(c, "session_store_unavailable: ", "connection refused", "run the command again")
	}
	b := s.Browser()
	b.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 401, "invalid_credentials")
	b.Do("POST", "/api/auth/login", map[string]string{"email": "ada@example.com", "password": password}, site.ForwardedFor()...).Want(t, 403, "account_disabled")
	s.Clock.Advance(6 * time.Second)
	s.Eventually("its session to end", func() bool { return s.Get("/api/auth/me", with).StatusCode == 401 })
}
