package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Admin is a browser of an administrator.
func (s *Harness) Admin() *Browser {
	s.T.Helper()
	b := s.Member("boss@example.com")
	s.Operator().MustRun(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
	return b
}

func (b *Browser) UserID() string {
	b.Harness.T.Helper()
	return b.Do("GET", "/api/auth/me", nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["user"].(Object)["id"].(string)
}

func (b *Browser) Role() string {
	b.Harness.T.Helper()
	return b.Do("GET", "/api/demo/me", nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["role"].(string)
}

func TestAdministratorsUsers(t *testing.T) {
	OnBoth(t, func(t *testing.T, s *Harness) {
		boss := s.Admin()
		for i := range 55 {
			s.Clock.Advance(time.Second)
			s.Browser().Do("POST", "/api/auth/register", Credentials(fmt.Sprintf("u%02d@example.com", i))).Want(t, 201)
		}
		page := boss.Do("GET", "/api/admin/users", nil).Want(t, 200).JSON(t)
		if users := page["users"].([]any); len(users) != 50 || users[0].(Object)["email"] != "u54@example.com" || users[0].(Object)["active"] != true {
			t.Fatalf("%v", users)
		}
		rest := boss.Do("GET", "/api/admin/users?cursor="+page["next"].(string), nil).Want(t, 200).JSON(t)
		if users := rest["users"].([]any); len(users) != 6 || users[5].(Object)["email"] != "boss@example.com" || rest["next"] != nil {
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
	p := TwoInstances(t)
	boss, ada := p.A.Admin(), p.B.Member("ada@example.com")
	id := ada.UserID()
	if ada.Role() != "user" {
		t.Fatal("not a user to begin with")
	}
	ada.Do("GET", "/api/admin/users", nil).Want(t, 403, "forbidden")
	open := p.B.OpenLive(t.Context(), Tokens{ada.Cookie("access_token"), ada.Cookie("refresh_token")})
	for _, role := range []string{"admin", "user", "admin"} { // within one second of the clock
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"role": role}).Want(t, 200)
		p.B.Eventually("the other instance to hear of it", func() bool { return ada.Role() == role })
		ada.Do("GET", "/api/auth/me", nil).Want(t, 200)
	}
	open.WantClosed(t) // or its upstream would go on with the old role
	p.B.OpenLive(t.Context(), Tokens{ada.Cookie("access_token"), ada.Cookie("refresh_token")}).WantOpen(t, "opened with the new role")
	ada.Do("GET", "/api/admin/users", nil).Want(t, 200)
	boss.Do("PATCH", "/api/admin/users/"+id, Object{"active": false}).Want(t, 200)
	p.B.Eventually("the other instance to end the session", func() bool {
		return ada.Do("GET", "/api/demo/me", nil).StatusCode == 401
	})
}

func TestAdministratorRefusals(t *testing.T) {
	OnBoth(t, func(t *testing.T, s *Harness) {
		boss := s.Admin()
		id := boss.UserID()
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"role": "user"}).Want(t, 409, "last_admin")
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"active": false}).Want(t, 409, "last_admin")
		boss.Do("DELETE", "/api/auth/me", Object{"password": Password}).Want(t, 409, "last_admin")
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"role": "root"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"active": "no"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/"+id, Object{"email": "x@example.com"}).Want(t, 422, "validation_failed")
		boss.Do("PATCH", "/api/admin/users/nobody", Object{"role": "user"}).Want(t, 404, "not_found")
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
