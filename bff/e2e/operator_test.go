package e2e

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// desk is where an operator works: a process of its own, with the product's
// configuration.
type desk struct {
	*site
	env  map[string]string
	logs lockedBuffer
}

func (s *site) desk() *desk { return &desk{site: s, env: s.env} }

func (d *desk) try(ctx context.Context, c operator.Command) (string, error) {
	conf, err := config.Load(func(name string) string { return d.env[name] })
	if err != nil {
		return "", err
	}
	log := slog.New(slog.NewJSONHandler(&d.logs, nil))
	return app.Operate(ctx, app.Options{Config: conf, Log: log, Now: d.clock.Now, HashCost: quickHash}, c)
}

func (d *desk) does(c operator.Command) string {
	d.t.Helper()
	out, err := d.try(d.t.Context(), c)
	if err != nil {
		d.t.Fatalf("%s %s: %v", c.Verb, c.Email, err)
	}
	return out
}

// refused is a command that must not be carried out, and says why.
func (d *desk) refused(c operator.Command, why ...string) {
	d.t.Helper()
	out, err := d.try(d.t.Context(), c)
	if err == nil || out != "" {
		d.t.Errorf("%s %s: carried out: %q", c.Verb, c.Email, out)
		return
	}
	for _, part := range why {
		if !strings.Contains(err.Error(), part) {
			d.t.Errorf("%s %s: %q, want %q", c.Verb, c.Email, err, part)
		}
	}
}

func (d *desk) creates(email, role string) {
	d.t.Helper()
	out := d.does(operator.Command{Verb: operator.CreateUser, Email: email, Role: role, Password: goodPassword})
	if want := "created " + email + ", role " + role + ", id "; !strings.HasPrefix(out, want) {
		d.t.Errorf("%q, want %q", out, want)
	}
}

// instances are all that run of a product: a second one beside it where that
// can be.
func (s *site) instances() []*site {
	if s.redis == nil {
		return []*site{s}
	}
	return []*site{s, s.twin()}
}

// roleOf is the role that an API is told, and the cookies that the browser has
// after asking.
func (s *site) roleOf(with tokens) (string, tokens) {
	s.t.Helper()
	a := s.get("/api/demo/me", with).want(s.t, 200)
	if next, _ := a.brings(); next.refresh != "" {
		with = next
	}
	role, _ := a.json(s.t)["role"].(string)
	return role, with
}

func TestOperatorMakesAccounts(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		d := s.desk()
		out := d.does(operator.Command{Verb: operator.CreateUser, Email: " Boss@Example.com ", Name: "The \u202eBoss", Role: "admin", Password: goodPassword})
		if !strings.HasPrefix(out, "created Boss@example.com, role admin, id ") {
			t.Errorf("%q", out)
		}
		d.creates("ada@example.com", "user")
		for email, role := range map[string]string{"boss@example.com": "admin", "ada@example.com": "user"} {
			if got, _ := s.roleOf(s.signedIn(email)); got != role {
				t.Errorf("%s is %q", email, got)
			}
		}
		weak := operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "user", Password: "password1"}
		d.refused(weak, "validation_failed", "password: This password is too easy to guess")
		weak.Password = "evening eve@ is over"
		weak.Email = "evening@example.com"
		d.refused(weak, "password: The password must not contain your email's name.")
		d.refused(operator.Command{Verb: operator.CreateUser, Email: "nonsense", Role: "user", Password: "short", Name: "a\nb"},
			"email: Enter an address", "password: Use at least 8", "name: The name holds a control character")
		d.refused(operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "root", Password: goodPassword}, "role: ")
		d.refused(operator.Command{Verb: operator.CreateUser, Email: "eve@example.com", Role: "user", Password: "not \xff valid text"}, "not valid text")
		d.refused(operator.Command{Verb: operator.CreateUser, Email: "ADA@example.com", Role: "admin", Password: goodPassword}, "email_taken", "ADA@example.com")

		text := d.does(operator.Command{Verb: operator.ListUsers})
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
			if got := strings.Contains(d.does(operator.Command{Verb: operator.ListUsers, Search: search}), "Boss@"); got != found {
				t.Errorf("search %q finds the boss: %v", search, got)
			}
		}
	})
}

func TestOperatorListsAllPages(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		d := s.desk()
		for i := range 120 {
			if i%50 == 0 {
				s.clock.Advance(time.Second) // many of one moment, on both sides of a page's end
			}
			a, err := s.tell("/api/auth/register", credentials(string(rune('a'+i/26))+string(rune('a'+i%26))+"@example.com"))
			if err != nil {
				t.Fatal(err)
			}
			a.want(t, 201)
		}
		seen := map[string]int{}
		for line := range strings.Lines(d.does(operator.Command{Verb: operator.ListUsers})) {
			seen[strings.Fields(line)[0]]++
		}
		if len(seen) != 121 || seen["aa@example.com"] != 1 || seen["ep@example.com"] != 1 {
			t.Errorf("%d lines: %v", len(seen), seen)
		}
	})
}

func TestOperatorsChangesTakeEffectAtOnceEverywhere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		d, all := s.desk(), s.instances()
		d.creates("ada@example.com", "user")
		by := func(verb string) operator.Command { return operator.Command{Verb: verb, Email: "ada@example.com"} }
		over := func(with tokens, code string) {
			t.Helper()
			for _, at := range all {
				at.eventually("the session to be over", func() bool { return at.get("/api/auth/me", with).StatusCode == 401 })
				at.get("/api/auth/me", with).keptOut(t, code)
				at.get("/api/demo/me", tokens{access: with.access}).want(t, 401)
			}
		}

		with := s.signedIn("ada@example.com")
		session := with.claims(t).Session
		for _, role := range []string{"admin", "user", "admin"} {
			if role == "user" {
				d.creates("boss@example.com", "admin")
			}
			c := by(operator.SetRole)
			c.Role = role
			if out := d.does(c); out != "ada@example.com is "+role+" now\n" {
				t.Errorf("%q", out)
			}
			for _, at := range all {
				at.eventually("the role "+role, func() bool {
					var got string
					got, with = at.roleOf(with)
					return got == role
				})
			}
		}
		if now := with.claims(t).Session; now != session {
			t.Errorf("session %s became %s", session, now)
		}

		if out := d.does(by(operator.SignOutUser)); out != "ada@example.com is signed out everywhere\n" {
			t.Errorf("%q", out)
		}
		over(with, "session_revoked")

		with = s.signedIn("ada@example.com")
		d.does(by(operator.DisableUser))
		over(with, "session_revoked")
		s.browser().do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 403, "account_disabled")
		if list := d.does(operator.Command{Verb: operator.ListUsers, Search: "ada"}); !strings.Contains(list, "  no  ") {
			t.Errorf("the list:\n%s", list)
		}
		d.does(by(operator.EnableUser))

		with = s.signedIn("ada@example.com")
		c := by(operator.SetPassword)
		c.Password = "12345678"
		d.refused(c, "validation_failed", "password: This password is too easy to guess")
		s.get("/api/auth/me", with).want(t, 200)
		c.Password = "four otters by the weir"
		d.does(c)
		over(with, "session_revoked")
		s.browser().do("POST", "/api/auth/login", credentials("ada@example.com"), somewhere()...).want(t, 401, "invalid_credentials")
		s.browser().do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": c.Password.Reveal()}, somewhere()...).want(t, 200)

		control, _ := os.ReadFile(filepath.Join(s.env["DATA_DIR"], "control.json"))
		for _, secret := range []string{goodPassword, c.Password.Reveal(), "12345678", tokenIn(control), with.access, with.refresh} {
			for _, logs := range append([]string{d.logs.String()}, s.logs.String()) {
				if secret != "" && strings.Contains(logs, secret) {
					t.Errorf("logged %q in\n%s", secret, logs)
				}
			}
		}
	})
}

func TestOperatorIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		d := s.desk()
		d.creates("boss@example.com", "admin")
		boss := s.signedIn("boss@example.com")
		d.refused(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "user"}, "last_admin", "last active administrator")
		d.refused(operator.Command{Verb: operator.DisableUser, Email: "boss@example.com"}, "last_admin")
		if role, _ := s.roleOf(boss); role != "admin" {
			t.Errorf("the boss is %q", role)
		}
		for _, c := range []operator.Command{
			{Verb: operator.SetRole, Role: "admin"}, {Verb: operator.DisableUser}, {Verb: operator.EnableUser}, {Verb: operator.SetPassword, Password: goodPassword}, {Verb: operator.SignOutUser},
		} {
			c.Email = "nobody@example.com"
			d.refused(c, "not_found: there is no account with the email nobody@example.com")
			c.Email = "ádmin@example.com"
			d.refused(c, "validation_failed: email: ")
		}
		d.refused(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "root"}, "validation_failed: role: ")
		d.refused(operator.Command{Verb: "delete", Email: "boss@example.com"}, `no command "delete"`)
	})
}

// A unique key decides on services, the sessions' lock or the server in
// embedded mode.
func TestTwoOperatorsMakeOneAccount(t *testing.T) {
	race := func(t *testing.T, s *site) {
		t.Helper()
		var all sync.WaitGroup
		outs, errs := make([]string, 6), make([]error, 6)
		for i := range outs {
			all.Go(func() {
				outs[i], errs[i] = s.desk().try(t.Context(), operator.Command{Verb: operator.CreateUser, Email: "ada@example.com", Role: "user", Password: goodPassword})
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
		if list := s.desk().does(operator.Command{Verb: operator.ListUsers}); made != 1 || strings.Count(list, "\n") != 2 {
			t.Errorf("made %d:\n%s", made, list)
		}
	}
	onBoth(t, race)
	t.Run("embedded, no server", func(t *testing.T) { race(t, embedded(t)) })
}

// What is changed while no server runs holds when one does, for the sessions
// and access tokens that there were too.
func TestOperatorWorksWithoutAServer(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		with, left := s.somebody("ada@example.com"), s.somebody("eve@example.com")
		s.stop()
		d := s.desk()
		d.creates("boss@example.com", "admin")
		d.does(operator.Command{Verb: operator.DisableUser, Email: "ada@example.com"})
		d.does(operator.Command{Verb: operator.SetRole, Email: "eve@example.com", Role: "admin"})
		s.start()
		s.eventually("the session to be over", func() bool { return s.get("/api/auth/me", with).StatusCode == 401 })
		s.get("/api/auth/me", with).keptOut(t, "session_revoked")
		s.eventually("the role", func() bool {
			var role string
			role, left = s.roleOf(left)
			return role == "admin"
		})
		s.signedIn("boss@example.com")
	})
}
