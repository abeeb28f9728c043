package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// boss is a browser of an administrator.
func (s *site) boss() *browser {
	s.t.Helper()
	b := s.member("boss@example.com")
	s.desk().does(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
	return b
}

func (b *browser) userID() string {
	b.site.t.Helper()
	return b.do("GET", "/api/auth/me", nil).want(b.site.t, 200).json(b.site.t)["user"].(object)["id"].(string)
}

func (b *browser) role() string {
	b.site.t.Helper()
	return b.do("GET", "/api/demo/me", nil).want(b.site.t, 200).json(b.site.t)["role"].(string)
}

func TestAdministratorsUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		boss := s.boss()
		for i := range 55 {
			s.clock.Advance(time.Second)
			s.browser().do("POST", "/api/auth/register", credentials(fmt.Sprintf("u%02d@example.com", i))).want(t, 201)
		}
		page := boss.do("GET", "/api/admin/users", nil).want(t, 200).json(t)
		if users := page["users"].([]any); len(users) != 50 || users[0].(object)["email"] != "u54@example.com" || users[0].(object)["active"] != true {
			t.Fatalf("%v", users)
		}
		rest := boss.do("GET", "/api/admin/users?cursor="+page["next"].(string), nil).want(t, 200).json(t)
		if users := rest["users"].([]any); len(users) != 6 || users[5].(object)["email"] != "boss@example.com" || rest["next"] != nil {
			t.Errorf("%v", rest)
		}
		found := boss.do("GET", "/api/admin/users?q=U07%40", nil).want(t, 200).json(t)["users"].([]any)
		if len(found) != 1 {
			t.Errorf("found %v", found)
		}
		if none := boss.do("GET", "/api/admin/users?q=%25", nil).want(t, 200).json(t)["users"].([]any); len(none) != 0 {
			t.Errorf("a wildcard found %v", none)
		}
	})
}

// On two instances: the next request carries the new role, and nobody signs in
// again.
func TestRoleChangeUnderALiveUser(t *testing.T) {
	p := twoInstances(t)
	boss, ada := p.a.boss(), p.b.member("ada@example.com")
	id := ada.userID()
	if ada.role() != "user" {
		t.Fatal("not a user to begin with")
	}
	ada.do("GET", "/api/admin/users", nil).want(t, 403, "forbidden")
	open := p.b.live(t.Context(), tokens{ada.cookie("access_token"), ada.cookie("refresh_token")})
	for _, role := range []string{"admin", "user", "admin"} { // within one second of the clock
		boss.do("PATCH", "/api/admin/users/"+id, object{"role": role}).want(t, 200)
		p.b.eventually("the other instance to hear of it", func() bool { return ada.role() == role })
		ada.do("GET", "/api/auth/me", nil).want(t, 200)
	}
	open.dies(t) // or its upstream would go on with the old role
	p.b.live(t.Context(), tokens{ada.cookie("access_token"), ada.cookie("refresh_token")}).lives(t, "opened with the new role")
	ada.do("GET", "/api/admin/users", nil).want(t, 200)
	boss.do("PATCH", "/api/admin/users/"+id, object{"active": false}).want(t, 200)
	p.b.eventually("the other instance to end the session", func() bool {
		return ada.do("GET", "/api/demo/me", nil).StatusCode == 401
	})
}

func TestAdministratorRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		boss := s.boss()
		id := boss.userID()
		boss.do("PATCH", "/api/admin/users/"+id, object{"role": "user"}).want(t, 409, "last_admin")
		boss.do("PATCH", "/api/admin/users/"+id, object{"active": false}).want(t, 409, "last_admin")
		boss.do("DELETE", "/api/auth/me", object{"password": goodPassword}).want(t, 409, "last_admin")
		boss.do("PATCH", "/api/admin/users/"+id, object{"role": "root"}).want(t, 422, "validation_failed")
		boss.do("PATCH", "/api/admin/users/"+id, object{"active": "no"}).want(t, 422, "validation_failed")
		boss.do("PATCH", "/api/admin/users/"+id, object{"email": "x@example.com"}).want(t, 422, "validation_failed")
		boss.do("PATCH", "/api/admin/users/nobody", object{"role": "user"}).want(t, 404, "not_found")
		boss.do("DELETE", "/api/admin/users/nobody/sessions", nil).want(t, 404, "not_found")
		boss.do("GET", "/api/admin/nothing", nil).want(t, 404, "not_found")
		ada := s.member("ada@example.com")
		boss.do("DELETE", "/api/admin/users/"+ada.userID()+"/sessions", nil).want(t, 204)
		ada.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		if c := boss.do("DELETE", "/api/admin/users/"+id+"/sessions", nil).want(t, 204).setCookies(); len(c) != 2 {
			t.Errorf("own sessions ended, cookies %v", c)
		}
	})
}
