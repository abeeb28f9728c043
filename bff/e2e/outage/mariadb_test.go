package outage

import (
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// Without the user database sign-in and registration fail; existing sessions go on,
// on every instance, refreshes and sign-outs included, and it needs no restart.
func TestMariaDBStopped(t *testing.T) {
	t.Parallel()
	s := site.OnServices(t).TrustLoopback()
	maria := servertest.OwnMariaDB(t)
	// A server that hangs is waited for as long as the DSN says.
	s.Env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	p := site.Pair{A: s.Start()}
	p.B = p.A.Twin()
	with := p.A.MemberTokens("ada@example.com")

	for name, trouble := range map[string]struct{ begin, end func() }{
		"stopped": {maria.Stop, maria.Start},
		"hanging": {maria.Pause, maria.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			leaves := p.A.SignInTokens("ada@example.com")
			trouble.begin()
			entering := make(chan struct {
				site.Answer
				error
			}, 4)
			for _, at := range p.Each() {
				for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
					go func() {
						a, err := at.PostJSON(path, site.Credentials("ada@example.com"))
						entering <- struct {
							site.Answer
							error
						}{a, err}
					}()
				}
			}
			for _, at := range p.Each() {
				at.Get("/api/demo/me", with).Want(t, 200)
				at.Get("/dashboard", with).Want(t, 200)
				with = at.Post("/api/auth/refresh", with).Refreshed(t)
				with = at.Get("/api/demo/me", site.Tokens{Refresh: with.Refresh}).Refreshed(t)
				with = at.Get("/api/auth/me", site.Tokens{Refresh: with.Refresh}).Refreshed(t)
				if user := at.Get("/api/auth/me", with).Want(t, 200).JSON(t)["user"].(site.Object); user["email"] != "ada@example.com" || user["role"] != "user" {
					t.Errorf("me: %v", user)
				}
				if ready := at.Browser().Readyz(); ready.StatusCode != 503 || !strings.Contains(ready.Text, `"mysql"`) || strings.Contains(ready.Text, `"redis"`) {
					t.Errorf("readyz: %d %s", ready.StatusCode, ready.Text)
				}
			}
			p.A.Post("/api/auth/logout", leaves).Want(t, 204)
			p.B.Eventually("the sign-out", func() bool { return p.B.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401 })
			for range cap(entering) {
				a := <-entering
				if a.error != nil {
					t.Fatal(a.error)
				}
				if a.Want(t, 503, "database_unavailable"); len(a.Cookies()) != 0 || a.Header.Get("Retry-After") == "" {
					t.Errorf("%s: cookies %v, Retry-After %q", a.Request.URL.Path, a.SetCookies(), a.Header.Get("Retry-After"))
				}
			}
			trouble.end()
			for _, at := range p.Each() {
				at.Eventually("readiness", func() bool { return at.Browser().Readyz().StatusCode == 200 })
				at.SignInTokens("ada@example.com")
				at.Get("/api/auth/me", with).Want(t, 200)
			}
		})
	}
}

// With both stores away a good access token still opens what is behind.
func TestBothStoresStopped(t *testing.T) {
	t.Parallel()
	s := site.OnServices(t)
	maria := servertest.OwnMariaDB(t)
	s.Env["MYSQL_DSN"] = maria.Database()
	s.Start()
	with := s.MemberTokens("ada@example.com")
	maria.Kill()
	s.Redis.Kill()
	s.Get("/api/demo/me", with).Want(t, 200)
	s.Get("/api/demo/me", site.Tokens{Refresh: with.Refresh}).WantStoreUnavailable(t)
	if a := s.Get("/api/auth/me", with).Want(t, 503, "database_unavailable"); len(a.Cookies()) != 0 {
		t.Errorf("cookies %v", a.SetCookies())
	}
	if ready := s.Browser().Readyz(); !strings.Contains(ready.Text, `"mysql"`) || !strings.Contains(ready.Text, `"redis"`) {
		t.Errorf("readyz: %s", ready.Text)
	}
	maria.Start()
	s.Redis.Start()
	s.Eventually("the session to be renewed", func() bool { return s.Get("/api/demo/me", site.Tokens{Refresh: with.Refresh}).StatusCode == 200 })
	s.Eventually("readiness", func() bool { return s.Browser().Readyz().StatusCode == 200 })
	s.SignInTokens("ada@example.com")
}
