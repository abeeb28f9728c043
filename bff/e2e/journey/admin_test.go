package journey

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestAdministratorsUsers(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		boss := s.Admin()
		for i := range 55 {
			s.Clock.Advance(time.Second)
			s.Browser().Do("POST", "/api/auth/register", site.Credentials(fmt.Sprintf("u%02d@example.com", i))).Want(t, 201)
		}
		page := boss.Do("GET", "/api/admin/users", nil).Want(t, 200).JSON(t)
		if users := page["users"].([]any); len(users) != 50 || users[0].(site.Object)["email"] != "u54@example.com" || users[0].(site.Object)["active"] != true {
			t.Fatalf("%v", users)
		}
		rest := boss.Do("GET", "/api/admin/users?cursor="+page["next"].(string), nil).Want(t, 200).JSON(t)
		if users := rest["users"].([]any); len(users) != 6 || users[5].(site.Object)["email"] != "boss@example.com" || rest["next"] != nil {
			t.Errorf("%v", rest)
		}
		found := boss.Do("GET", "/api/admin/users?q=U07%40", nil).Want(t, 200).JSON(t)["users"].([]any)
		if len(found) != 1 {
			t.Errorf("found %v", found)
		}
		if none := boss.Do("GET", "/api/admin/users?q=%25", nil).Want(t, 200).JSON(t)["users"].([]any); len(none) != 0 {
			t.Errorf("a wildcard found %v", none)
		}
	})
}

// On two instances: the next request carries the new role, and nobody signs in
// again.
func TestRoleChangeUnderALiveUser(t *testing.T) {
	p := site.TwoInstances(t)
	boss, ada := p.A.Admin(), p.B.Member("ada@example.com")
	id := ada.UserID()
	if ada.Role() != "user" {
		t.Fatal("not a user to begin with")
	}
	ada.Do("GET", "/api/admin/users", nil).Want(t, 403, "forbidden")
	open := p.B.OpenLive(t.Context(), site.Tokens{Access: ada.Cookie("access_token"), Refresh: ada.Cookie("refresh_token")})
	for _, role := range []string{"admin", "user", "admin"} { // within one second of the clock
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"role": role}).Want(t, 200)
		p.B.Eventually("the other instance to hear of it", func() bool { return ada.Role() == role })
		ada.Do("GET", "/api/auth/me", nil).Want(t, 200)
	}
	open.WantClosed(t) // or its upstream would go on with the old role
	p.B.OpenLive(t.Context(), site.Tokens{Access: ada.Cookie("access_token"), Refresh: ada.Cookie("refresh_token")}).WantOpen(t, "opened with the new role")
	ada.Do("GET", "/api/admin/users", nil).Want(t, 200)
	boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"active": false}).Want(t, 200)
	p.B.Eventually("the other instance to end the session", func() bool {
		return ada.Do("GET", "/api/demo/me", nil).StatusCode == 401
	})
}

func TestAdministratorRefusals(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		boss := s.Admin()
		id := boss.UserID()
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"role": "user"}).Want(t, 409, "last_admin")
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"active": false}).Want(t, 409, "last_admin")
		boss.Do("DELETE", "/api/auth/me", site.Object{"password": site.Password}).Want(t, 409, "last_admin")
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"role": "root"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"active": "no"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/"+id, site.Object{"email": "x@example.com"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/nobody", site.Object{"role": "user"}).Want(t, 404, "not_found")
		boss.Do("DELETE", "/api/admin/users/nobody/sessions", nil).Want(t, 404, "not_found")
		boss.Do("GET", "/api/admin/nothing", nil).Want(t, 404, "not_found")
		ada := s.Member("ada@example.com")
		boss.Do("DELETE", "/api/admin/users/"+ada.UserID()+"/sessions", nil).Want(t, 204)
		ada.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		if c := boss.Do("DELETE", "/api/admin/users/"+id+"/sessions", nil).Want(t, 204).SetCookies(); len(c) != 2 {
			t.Errorf("own sessions ended, cookies %v", c)
		}
	})
}
