package journey

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

const otherPassword = "two herons on the mill pond"

func TestProfile(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		ada := s.Member("ada@example.com")
		got := ada.Do("PATCH", "/api/auth/me", site.Object{"name": "Ada L."}).Want(t, 200).JSON(t)["user"].(site.Object)
		if got["name"] != "Ada L." || got["email"] != "ada@example.com" {
			t.Errorf("%v", got)
		}
		if me := ada.Do("GET", "/api/auth/me", nil).Want(t, 200).JSON(t)["user"].(site.Object); me["name"] != "Ada L." {
			t.Errorf("%v", me)
		}
		for _, body := range []site.Object{{}, {"name": nil}, {"name": "a\u0000"}, {"name": "x", "role": "admin"}, {"name": strings.Repeat("x", 101)}, {"name": 7}} {
			ada.Do("PATCH", "/api/auth/me", body).Want(t, 422, "validation_failed")
		}
		s.Browser().Do("PATCH", "/api/auth/me", site.Object{"name": "Eve"}).Want(t, 401, "not_authenticated")
	})
}

func TestPasswordChange(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		laptop := s.Member("ada@example.com")
		phone := s.SignIn("ada@example.com")
		change := site.Object{"currentPassword": site.Password, "newPassword": otherPassword}
		laptop.Do("PUT", "/api/auth/password", site.Object{"currentPassword": "not the one", "newPassword": otherPassword}).Want(t, 403, "wrong_password")
		weak := laptop.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": "password1"}).Want(t, 422, "validation_failed")
		if diff := cmp.Diff([]string{"newPassword"}, keysOf(weak.JSON(t)["errors"])); diff != "" {
			t.Error(diff)
		}
		laptop.Do("PUT", "/api/auth/password", site.Object{"newPassword": otherPassword}).Want(t, 422, "validation_failed")
		phone.Do("GET", "/api/auth/me", nil).Want(t, 200) // nothing has happened so far

		before := laptop.Cookie("refresh_token")
		done := laptop.Do("PUT", "/api/auth/password", change).Want(t, 204)
		if c := done.SetCookies(); !c["access_token"] || !c["refresh_token"] || laptop.Cookie("refresh_token") == before {
			t.Errorf("own cookies: %v", c)
		}
		phone.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		laptop.Do("GET", "/api/demo/me", nil).Want(t, 200)
		laptop.Do("PUT", "/api/auth/password", change).Want(t, 403, "wrong_password")
		s.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 401, "invalid_credentials")
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": otherPassword}).Want(t, 200)
	})
}

func TestAccountDeletion(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		laptop := s.Member("ada@example.com")
		phone := s.SignIn("ada@example.com")
		laptop.Do("DELETE", "/api/auth/me", site.Object{"password": "not the one"}).Want(t, 403, "wrong_password")
		laptop.Do("DELETE", "/api/auth/me", site.Object{}).Want(t, 422, "validation_failed")
		phone.Do("GET", "/api/auth/me", nil).Want(t, 200)
		if c := laptop.Do("DELETE", "/api/auth/me", site.Object{"password": site.Password}).Want(t, 204).SetCookies(); len(c) != 2 || c["access_token"] {
			t.Errorf("cookies %v", c)
		}
		phone.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		s.Browser().Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 401, "invalid_credentials")
		s.Member("ada@example.com") // the address is free again
	})
}

func auditEvents(b *site.Browser, path string) []any {
	b.Harness.T.Helper()
	return b.Do("GET", path, nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["events"].([]any)
}

func typesOf(events []any) (types []string) {
	for _, e := range events {
		types = append(types, e.(site.Object)["type"].(string))
	}
	return types
}

// Every event of the trail, one row each, with who did it, and in one's own
// activity nothing of the administrator's.
func TestAuditTrail(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		boss := s.Member("boss@example.com")
		s.Operator().MustRun(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
		step := func() { s.Clock.Advance(time.Second) } // events of one time have no order
		ada := s.Browser()
		ada.Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
		step()
		ada.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 200)
		id := ada.Do("GET", "/api/auth/me", nil).Want(t, 200).JSON(t)["user"].(site.Object)["id"].(string)
		step()
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": "not the one"}).Want(t, 401)
		step()
		ada.Do("PATCH", "/api/auth/me", site.Object{"name": "Ada"}).Want(t, 200)
		step()
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"role": "admin"}).Want(t, 200)
		step()
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"role": "user"}).Want(t, 200)
		step()
		ada.Do("PUT", "/api/auth/password", site.Object{"currentPassword": site.Password, "newPassword": otherPassword}).Want(t, 204)
		step()
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"active": false}).Want(t, 200)
		step()
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"active": true}).Want(t, 200)
		step()
		ada.Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": otherPassword}).Want(t, 200)
		want := []string{
			"login_succeeded", "user_enabled", "session_revoked", "user_disabled", "password_changed", "role_changed", "role_changed",
			"profile_changed", "login_failed", "login_succeeded", "registered",
		}
		s.Eventually("the whole trail", func() bool { return len(auditEvents(ada, "/api/auth/activity")) == len(want) })
		own := auditEvents(ada, "/api/auth/activity")
		got := typesOf(own)
		// The two of one request have one time.
		if got[2] == "user_disabled" {
			got[2], got[3] = got[3], got[2]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, e := range own {
			if e := e.(site.Object); e["type"] == "role_changed" && (e["ip"] != "" || e["userAgent"] != "") {
				t.Errorf("shows where the administrator was: %v", e)
			}
			if e := e.(site.Object); e["type"] == "login_failed" && e["ip"] != "127.0.0.1" {
				t.Errorf("%v", e)
			}
		}
		step()
		ada.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		ada = s.Browser()
		ada.Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": otherPassword}).Want(t, 200)
		step()
		ada.Do("DELETE", "/api/auth/me", site.Object{"password": otherPassword}).Want(t, 204)
		s.Eventually("the end of it", func() bool {
			return strings.Contains(strings.Join(typesOf(auditEvents(boss, "/api/admin/audit?user="+id)), " "), "logout")
		})
		if e := auditEvents(boss, "/api/admin/audit?user="+id+"&type=account_deleted"); len(e) != 1 || e[0].(site.Object)["actorId"] != id {
			t.Errorf("what outlives the account: %v", e)
		}
		// Page by page, nothing twice and nothing left out.
		seen, cursor := map[string]bool{}, ""
		for {
			page := boss.Do("GET", "/api/admin/audit?cursor="+cursor, nil).Want(t, 200).JSON(t)
			for _, e := range page["events"].([]any) {
				if id := e.(site.Object)["id"].(string); seen[id] {
					t.Errorf("%s twice", id)
				} else {
					seen[id] = true
				}
			}
			if page["next"] == nil {
				break
			}
			cursor = page["next"].(string)
		}
		if len(seen) < 16 {
			t.Errorf("%d events in all", len(seen))
		}
		boss.Do("GET", "/api/admin/audit?cursor=nonsense", nil).Want(t, 422, "validation_failed")
	})
}
