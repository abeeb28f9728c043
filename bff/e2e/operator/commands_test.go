package operator

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// instancesOf are all that run of a product: a second one beside it where that
// can be.
func instancesOf(s *site.Harness) []*site.Harness {
	if s.Redis == nil {
		return []*site.Harness{s}
	}
	return []*site.Harness{s, s.Twin()}
}

// roleOf is the role that an API is told, and the cookies that the browser has
// after asking.
func roleOf(s *site.Harness, with site.Tokens) (string, site.Tokens) {
	s.T.Helper()
	a := s.Get("/api/demo/me", with).Want(s.T, 200)
	if next, _ := a.NewTokens(); next.Refresh != "" {
		with = next
	}
	role, _ := a.JSON(s.T)["role"].(string)
	return role, with
}

func TestOperatorMakesAccounts(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		d := s.Operator()
		out := d.MustRun(operator.Command{Verb: operator.CreateUser, Email: " Boss@Example.com ", Name: "The \u202eBoss", Role: "admin", Password: site.Password})
		if !strings.HasPrefix(out, "created Boss@example.com, role admin, id ") {
			t.Errorf("%q", out)
		}
		d.CreateUser("ada@example.com", "user")
		for email, role := range map[string]string{"boss@example.com": "admin", "ada@example.com": "user"} {
			if got, _ := roleOf(s, s.SignInTokens(email)); got != role {
				t.Errorf("%s is %q", email, got)
			}
		}
		weak := operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "user", Password: "password1"}
		d.WantRefused(weak, "validation_failed", "password: This password is too easy to guess")
		weak.Password = "evening eve@ is over"
		weak.Email = "evening@example.com"
		d.WantRefused(weak, "password: The password must not contain your email's name.")
		d.WantRefused(operator.Command{Verb: operator.CreateUser, Email: "nonsense", Role: "user", Password: "short", Name: "a\nb"},
			"email: Enter an address", "password: Use at least 8", "name: The name holds a control character")
		d.WantRefused(operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "root", Password: site.Password}, "role: ")
		d.WantRefused(operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "user", Password: "not \xff valid text"}, "not valid text")
		d.WantRefused(operator.Command{Verb: operator.CreateUser, Email: "ADA@example.com", Role: "admin", Password: site.Password}, "email_taken", "ADA@example.com")

		text := d.MustRun(operator.Command{Verb: operator.ListUsers})
		lines := strings.Split(text, "\n")
		for _, want := range []string{"ada@example.com - user yes 20", "Boss@example.com The \ufffdBoss admin yes 20"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
		if len(lines) != 4 || strings.Join(strings.Fields(lines[0]), " ") != "EMAIL NAME ROLE ACTIVE CREATED ID" {
			t.Errorf("the list:\n%s", text)
		}
		for _, line := range lines[1:3] {
			column := func(title string) int { return strings.Index(lines[0], title) }
			if cells := []rune(line); string(cells[column("ROLE")-2:column("ROLE")]) != "  " || cells[column("ACTIVE")] != 'y' {
				t.Errorf("not in line:\n%s", text)
			}
		}
		for search, found := range map[string]bool{"BOSS": true, "ada@": false, "%": false} {
			if got := strings.Contains(d.MustRun(operator.Command{Verb: operator.ListUsers, Search: search}), "Boss@"); got != found {
				t.Errorf("search %q finds the boss: %v", search, got)
			}
		}
	})
}

func TestOperatorListsAllPages(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		d := s.Operator()
		for i := range 120 {
			if i%50 == 0 {
				s.Clock.Advance(time.Second) // many of one moment, on both sides of a page's end
			}
			a, err := s.PostJSON("/api/auth/register", site.Credentials(string(rune('a'+i/26))+string(rune('a'+i%26))+"@example.com"))
			if err != nil {
				t.Fatal(err)
			}
			a.Want(t, 201)
		}
		seen := map[string]int{}
		for line := range strings.Lines(d.MustRun(operator.Command{Verb: operator.ListUsers})) {
			seen[strings.Fields(line)[0]]++
		}
		if len(seen) != 121 || seen["aa@example.com"] != 1 || seen["ep@example.com"] != 1 {
			t.Errorf("%d lines: %v", len(seen), seen)
		}
	})
}

func TestOperatorsChangesTakeEffectAtOnceEverywhere(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		d, all := s.Operator(), instancesOf(s)
		d.CreateUser("ada@example.com", "user")
		by := func(verb string) operator.Command { return operator.Command{Verb: verb, Email: "ada@example.com"} }
		over := func(with site.Tokens, code string) {
			t.Helper()
			for _, at := range all {
				at.Eventually("the session to be over", func() bool { return at.Get("/api/auth/me", with).StatusCode == 401 })
				at.Get("/api/auth/me", with).WantSignedOut(t, code)
				at.Get("/api/demo/me", site.Tokens{Access: with.Access}).Want(t, 401)
			}
		}

		with := s.SignInTokens("ada@example.com")
		session := with.Claims(t).Session
		for _, role := range []string{"admin", "user", "admin"} {
			if role == "user" {
				d.CreateUser("boss@example.com", "admin")
			}
			c := by(operator.SetRole)
			c.Role = role
			if out := d.MustRun(c); out != "ada@example.com is "+role+" now\n" {
				t.Errorf("%q", out)
			}
			for _, at := range all {
				at.Eventually("the role "+role, func() bool {
					var got string
					got, with = roleOf(at, with)
					return got == role
				})
			}
		}
		if now := with.Claims(t).Session; now != session {
			t.Errorf("session %s became %s", session, now)
		}

		if out := d.MustRun(by(operator.SignOutUser)); out != "ada@example.com is signed out everywhere\n" {
			t.Errorf("%q", out)
		}
		over(with, "session_revoked")

		with = s.SignInTokens("ada@example.com")
		d.MustRun(by(operator.DisableUser))
		over(with, "session_revoked")
		s.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 403, "account_disabled")
		if list := d.MustRun(operator.Command{Verb: operator.ListUsers, Search: "ada"}); !strings.Contains(list, "  no  ") {
			t.Errorf("the list:\n%s", list)
		}
		d.MustRun(by(operator.EnableUser))

		with = s.SignInTokens("ada@example.com")
		c := by(operator.SetPassword)
		c.Password = "12345678"
		d.WantRefused(c, "validation_failed", "password: This password is too easy to guess")
		s.Get("/api/auth/me", with).Want(t, 200)
		c.Password = "four otters by the weir"
		d.MustRun(c)
		over(with, "session_revoked")
		s.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), site.ForwardedFor()...).Want(t, 401, "invalid_credentials")
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": c.Password.Reveal()}, site.ForwardedFor()...).Want(t, 200)

		for _, secret := range []string{site.Password, c.Password.Reveal(), "12345678", with.Access, with.Refresh} {
			for _, logs := range append([]string{d.Logs.String()}, s.Logs.String()) {
				if secret != "" && strings.Contains(logs, secret) {
					t.Errorf("logged %q in\n%s", secret, logs)
				}
			}
		}
	})
}

func TestOperatorIsRefused(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		d := s.Operator()
		d.CreateUser("boss@example.com", "admin")
		boss := s.SignInTokens("boss@example.com")
		d.WantRefused(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "user"}, "last_admin", "last active administrator")
		d.WantRefused(operator.Command{Verb: operator.DisableUser, Email: "boss@example.com"}, "last_admin")
		if role, _ := roleOf(s, boss); role != "admin" {
			t.Errorf("the boss is %q", role)
		}
		for _, c := range []operator.Command{
			{Verb: operator.SetRole, Role: "admin"}, {Verb: operator.DisableUser}, {Verb: operator.EnableUser}, {Verb: operator.SetPassword, Password: site.Password}, {Verb: operator.SignOutUser},
		} {
			c.Email = "nobody@example.com"
			d.WantRefused(c, "not_found: there is no account with the email nobody@example.com")
			c.Email = "ádmin@example.com"
			d.WantRefused(c, "validation_failed: email: ")
		}
		d.WantRefused(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "root"}, "validation_failed: role: ")
		d.WantRefused(operator.Command{Verb: "delete", Email: "boss@example.com"}, `no command "delete"`)
	})
}

// A unique key decides on services, the sessions' lock or the server in
// embedded mode.
func TestTwoOperatorsMakeOneAccount(t *testing.T) {
	race := func(t *testing.T, s *site.Harness) {
		t.Helper()
		var all sync.WaitGroup
		outs, errs := make([]string, 6), make([]error, 6)
		for i := range outs {
			all.Go(func() {
				outs[i], errs[i] = s.Operator().Run(t.Context(), operator.Command{Verb: operator.CreateUser, Email: "ada@example.com", Role: "user", Password: site.Password})
			})
		}
		all.Wait()
		made := 0
		for i, err := range errs {
			switch {
			case err == nil && strings.HasPrefix(outs[i], "created"):
				made++
			case err == nil || !strings.Contains(err.Error(), "email_taken"):
				t.Errorf("%q, %v", outs[i], err)
			}
		}
		if list := s.Operator().MustRun(operator.Command{Verb: operator.ListUsers}); made != 1 || strings.Count(list, "\n") != 2 {
			t.Errorf("made %d:\n%s", made, list)
		}
	}
	site.OnBoth(t, race)
	t.Run("embedded, no server", func(t *testing.T) { race(t, site.Embedded(t)) })
}

// What is changed while no server runs holds when one does, for the sessions
// and access tokens that there were too.
func TestOperatorWorksWithoutAServer(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		with, left := s.MemberTokens("ada@example.com"), s.MemberTokens("eve@example.com")
		s.Stop()
		d := s.Operator()
		d.CreateUser("boss@example.com", "admin")
		d.MustRun(operator.Command{Verb: operator.DisableUser, Email: "ada@example.com"})
		d.MustRun(operator.Command{Verb: operator.SetRole, Email: "eve@example.com", Role: "admin"})
		s.Start()
		s.Eventually("the session to be over", func() bool { return s.Get("/api/auth/me", with).StatusCode == 401 })
		s.Get("/api/auth/me", with).WantSignedOut(t, "session_revoked")
		s.Eventually("the role", func() bool {
			var role string
			role, left = roleOf(s, left)
			return role == "admin"
		})
		s.SignInTokens("boss@example.com")
	})
}
