package e2e

import (
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// Without the user database nobody signs in or up; whoever is in goes on, on
// every instance, renewals and sign-outs included, and it needs no restart.
func TestMariaDBStopped(t *testing.T) {
	t.Parallel()
	s := onServices(t).crowd()
	maria := servertest.OwnMariaDB(t)
	// A server that hangs is waited for as long as the DSN says.
	s.env["MYSQL_DSN"] = maria.Database() + "?readTimeout=1s"
	p := pair{a: s.start()}
	p.b = p.a.twin()
	with := p.a.somebody("ada@example.com")

	for name, trouble := range map[string]struct{ begin, end func() }{
		"stopped": {maria.Stop, maria.Start},
		"hanging": {maria.Pause, maria.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			leaves := p.a.signedIn("ada@example.com")
			trouble.begin()
			entering := make(chan struct {
				answer
				error
			}, 4)
			for _, at := range p.each() {
				for _, path := range []string{"/api/auth/login", "/api/auth/register"} {
					go func() {
						a, err := at.tell(path, credentials("ada@example.com"))
						entering <- struct {
							answer
							error
						}{a, err}
					}()
				}
			}
			for _, at := range p.each() {
				at.get("/api/demo/me", with).want(t, 200)
				at.get("/dashboard", with).want(t, 200)
				with = at.post("/api/auth/refresh", with).renewed(t)
				with = at.get("/api/demo/me", tokens{refresh: with.refresh}).renewed(t)
				with = at.get("/api/auth/me", tokens{refresh: with.refresh}).renewed(t)
				if user := at.get("/api/auth/me", with).want(t, 200).json(t)["user"].(object); user["email"] != "ada@example.com" || user["role"] != "user" {
					t.Errorf("me: %v", user)
				}
				if ready := at.browser().ready(); ready.StatusCode != 503 || !strings.Contains(ready.text, `"mysql"`) || strings.Contains(ready.text, `"redis"`) {
					t.Errorf("readyz: %d %s", ready.StatusCode, ready.text)
				}
			}
			p.a.post("/api/auth/logout", leaves).want(t, 204)
			p.b.eventually("the sign-out", func() bool { return p.b.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401 })
			for range cap(entering) {
				a := <-entering
				if a.error != nil {
					t.Fatal(a.error)
				}
				if a.want(t, 503, "database_unavailable"); len(a.Cookies()) != 0 || a.Header.Get("Retry-After") == "" {
					t.Errorf("%s: cookies %v, Retry-After %q", a.Request.URL.Path, a.setCookies(), a.Header.Get("Retry-After"))
				}
			}
			trouble.end()
			for _, at := range p.each() {
				at.eventually("readiness", func() bool { return at.browser().ready().StatusCode == 200 })
				at.signedIn("ada@example.com")
				at.get("/api/auth/me", with).want(t, 200)
			}
		})
	}
}

// With both stores away a good access token still opens what is behind.
func TestBothStoresStopped(t *testing.T) {
	t.Parallel()
	s := onServices(t)
	maria := servertest.OwnMariaDB(t)
	s.env["MYSQL_DSN"] = maria.Database()
	s.start()
	with := s.somebody("ada@example.com")
	maria.Kill()
	s.redis.Kill()
	s.get("/api/demo/me", with).want(t, 200)
	s.get("/api/demo/me", tokens{refresh: with.refresh}).unasked(t)
	if a := s.get("/api/auth/me", with).want(t, 503, "database_unavailable"); len(a.Cookies()) != 0 {
		t.Errorf("cookies %v", a.setCookies())
	}
	if ready := s.browser().ready(); !strings.Contains(ready.text, `"mysql"`) || !strings.Contains(ready.text, `"redis"`) {
		t.Errorf("readyz: %s", ready.text)
	}
	maria.Start()
	s.redis.Start()
	s.eventually("the session to be renewed", func() bool { return s.get("/api/demo/me", tokens{refresh: with.refresh}).StatusCode == 200 })
	s.eventually("readiness", func() bool { return s.browser().ready().StatusCode == 200 })
	s.signedIn("ada@example.com")
}
