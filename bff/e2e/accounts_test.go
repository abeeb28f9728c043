package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

const otherPassword = "two herons on the mill pond"

func TestProfile(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		ada := s.member("ada@example.com")
		got := ada.do("PATCH", "/api/auth/me", object{"name": "Ada L."}).want(t, 200).json(t)["user"].(object)
		if got["name"] != "Ada L." || got["email"] != "ada@example.com" {
			t.Errorf("%v", got)
		}
		if me := ada.do("GET", "/api/auth/me", nil).want(t, 200).json(t)["user"].(object); me["name"] != "Ada L." {
			t.Errorf("%v", me)
		}
		for _, body := range []object{{}, {"name": nil}, {"name": "a\u0000"}, {"name": "x", "role": "admin"}, {"name": strings.Repeat("x", 101)}, {"name": 7}} {
			ada.do("PATCH", "/api/auth/me", body).want(t, 422, "validation_failed")
		}
		s.browser().do("PATCH", "/api/auth/me", object{"name": "Eve"}).want(t, 401, "not_authenticated")
	})
}

func TestPasswordChange(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		laptop := s.member("ada@example.com")
		phone := s.again("ada@example.com")
		change := object{"currentPassword": goodPassword, "newPassword": otherPassword}
		laptop.do("PUT", "/api/auth/password", object{"currentPassword": "not the one", "newPassword": otherPassword}).want(t, 403, "wrong_password")
		weak := laptop.do("PUT", "/api/auth/password", object{"currentPassword": goodPassword, "newPassword": "password1"}).want(t, 422, "validation_failed")
		if diff := cmp.Diff([]string{"newPassword"}, keysOf(weak.json(t)["errors"])); diff != "" {
			t.Error(diff)
		}
		laptop.do("PUT", "/api/auth/password", object{"newPassword": otherPassword}).want(t, 422, "validation_failed")
		phone.do("GET", "/api/auth/me", nil).want(t, 200) // nothing has happened so far

		before := laptop.cookie("refresh_token")
		done := laptop.do("PUT", "/api/auth/password", change).want(t, 204)
		if c := done.setCookies(); !c["access_token"] || !c["refresh_token"] || laptop.cookie("refresh_token") == before {
			t.Errorf("own cookies: %v", c)
		}
		phone.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		laptop.do("GET", "/api/demo/me", nil).want(t, 200)
		laptop.do("PUT", "/api/auth/password", change).want(t, 403, "wrong_password")
		s.browser().do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 401, "invalid_credentials")
		s.browser().do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": otherPassword}).want(t, 200)
	})
}

func TestAccountDeletion(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		laptop := s.member("ada@example.com")
		phone := s.again("ada@example.com")
		laptop.do("DELETE", "/api/auth/me", object{"password": "not the one"}).want(t, 403, "wrong_password")
		laptop.do("DELETE", "/api/auth/me", object{}).want(t, 422, "validation_failed")
		phone.do("GET", "/api/auth/me", nil).want(t, 200)
		if c := laptop.do("DELETE", "/api/auth/me", object{"password": goodPassword}).want(t, 204).setCookies(); len(c) != 2 || c["access_token"] {
			t.Errorf("cookies %v", c)
		}
		phone.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		s.browser().do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 401, "invalid_credentials")
		s.member("ada@example.com") // the address is free again
	})
}

func (b *browser) events(path string) []any {
	b.site.t.Helper()
	return b.do("GET", path, nil).want(b.site.t, 200).json(b.site.t)["events"].([]any)
}

func typesOf(events []any) (types []string) {
	for _, e := range events {
		types = append(types, e.(object)["type"].(string))
	}
	return types
}

// Every event of the trail, one row each, with who did it, and in one's own
// activity nothing of the administrator's.
func TestAuditTrail(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		boss := s.member("boss@example.com")
		s.desk().does(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
		step := func() { s.clock.Advance(time.Second) } // events of one time have no order
		ada := s.browser()
		ada.do("POST", "/api/auth/register", credentials("ada@example.com")).want(t, 201)
		step()
		ada.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 200)
		id := ada.do("GET", "/api/auth/me", nil).want(t, 200).json(t)["user"].(object)["id"].(string)
		step()
		s.browser().do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": "not the one"}).want(t, 401)
		step()
		ada.do("PATCH", "/api/auth/me", object{"name": "Ada"}).want(t, 200)
		step()
		boss.do("PATCH", "/api/admin/users/"+id, object{"role": "admin"}).want(t, 200)
		step()
		boss.do("PATCH", "/api/admin/users/"+id, object{"role": "user"}).want(t, 200)
		step()
		ada.do("PUT", "/api/auth/password", object{"currentPassword": goodPassword, "newPassword": otherPassword}).want(t, 204)
		step()
		boss.do("PATCH", "/api/admin/users/"+id, object{"active": false}).want(t, 200)
		step()
		boss.do("PATCH", "/api/admin/users/"+id, object{"active": true}).want(t, 200)
		step()
		ada.do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": otherPassword}).want(t, 200)
		want := []string{
			"login_succeeded", "user_enabled", "session_revoked", "user_disabled", "password_changed", "role_changed", "role_changed",
			"profile_changed", "login_failed", "login_succeeded", "registered",
		}
		s.eventually("the whole trail", func() bool { return len(ada.events("/api/auth/activity")) == len(want) })
		own := ada.events("/api/auth/activity")
		got := typesOf(own)
		// The two of one request have one time.
		if got[2] == "user_disabled" {
			got[2], got[3] = got[3], got[2]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, e := range own {
			if e := e.(object); e["type"] == "role_changed" && (e["ip"] != "" || e["userAgent"] != "") {
				t.Errorf("shows where the administrator was: %v", e)
			}
			if e := e.(object); e["type"] == "login_failed" && e["ip"] != "127.0.0.1" {
				t.Errorf("%v", e)
			}
		}
		step()
		ada.do("POST", "/api/auth/logout", nil).want(t, 204)
		ada = s.browser()
		ada.do("POST", "/api/auth/login", object{"email": "ada@example.com", "password": otherPassword}).want(t, 200)
		step()
		ada.do("DELETE", "/api/auth/me", object{"password": otherPassword}).want(t, 204)
		s.eventually("the end of it", func() bool {
			return strings.Contains(strings.Join(typesOf(boss.events("/api/admin/audit?user="+id)), " "), "logout")
		})
		if e := boss.events("/api/admin/audit?user=" + id + "&type=account_deleted"); len(e) != 1 || e[0].(object)["actorId"] != id {
			t.Errorf("what outlives the account: %v", e)
		}
		// Page by page, nothing twice and nothing left out.
		seen, cursor := map[string]bool{}, ""
		for {
			page := boss.do("GET", "/api/admin/audit?cursor="+cursor, nil).want(t, 200).json(t)
			for _, e := range page["events"].([]any) {
				if id := e.(object)["id"].(string); seen[id] {
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
		boss.do("GET", "/api/admin/audit?cursor=nonsense", nil).want(t, 422, "validation_failed")
	})
}
