package outage

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Redis is down: valid access tokens keep working, refreshes are 503, no browser
// loses a cookie, and sessions refresh again when it comes back.
func TestStoppedRedisSignsNoUserOut(t *testing.T) {
	s := site.OnServices(t).Start()
	b := s.Member("ada@example.com")
	refresh := b.Cookie("refresh_token")
	s.Redis.Stop()

	b.Do("GET", "/api/demo/me", nil).Want(t, 200)
	b.Do("GET", "/api/auth/me", nil).Want(t, 200)

	s.Clock.Advance(20 * time.Minute)
	for _, request := range [][2]string{{"GET", "/api/auth/me"}, {"POST", "/api/auth/refresh"}, {"GET", "/api/demo/me"}} {
		a := b.Do(request[0], request[1], nil).Want(t, 503, "session_store_unavailable")
		if len(a.Header.Values("Set-Cookie")) != 0 || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: Set-Cookie %q, Retry-After %q", request[1], a.Header.Values("Set-Cookie"), a.Header.Get("Retry-After"))
		}
	}
	if a := b.Do("GET", "/dashboard", nil).Want(t, 200); len(a.Cookies()) != 0 {
		t.Error("a page cleared cookies while the session store was down")
	}
	// One line for each page, as for all that is asked: an outage used to have two.
	if logs := s.Logs.String(); strings.Count(logs, "page served without a look at the session") != 1 ||
		!strings.Contains(site.LineWith(logs, "page served without a look at the session"), `"msg":"request"`) {
		t.Errorf("the log says of the page:\n%s", site.LineWith(logs, "page served"))
	}
	other := s.Browser()
	if a := other.Do("POST", "/api/auth/login", site.Credentials("ada@example.com")).Want(t, 503, "session_store_unavailable"); len(a.Cookies()) != 0 {
		t.Error("cookies of a session that is not stored")
	}
	ready := other.Readyz()
	if ready.StatusCode != 503 || !strings.Contains(ready.Text, `"redis"`) || strings.Contains(ready.Text, `"mysql"`) {
		t.Errorf("readyz: %d %s", ready.StatusCode, ready.Text)
	}

	s.Redis.Start()
	s.Eventually("the session to be renewed", func() bool { return b.Do("GET", "/api/demo/me", nil).StatusCode == http.StatusOK })
	if b.Cookie("refresh_token") == refresh {
		t.Error("not rotated")
	}
	s.Eventually("readiness", func() bool { return other.Readyz().StatusCode == http.StatusOK })
}

// Signing out while Redis is away: this browser's cookies go, the answer says
// that it is not over yet, and the session ends when Redis is back.
func TestSignOutWhileRedisIsStopped(t *testing.T) {
	s := site.OnServices(t).Start()
	b := s.Member("ada@example.com")
	refresh := b.Cookie("refresh_token")
	s.Redis.Stop()
	a := b.Do("POST", "/api/auth/logout", nil).Want(t, 503, "session_store_unavailable")
	if cookies := a.SetCookies(); len(cookies) != 2 || cookies["access_token"] || cookies["refresh_token"] {
		t.Errorf("cookies %v", cookies)
	}
	s.Redis.Start()
	thief := s.Browser()
	s.Eventually("the session to end", func() bool {
		thief.PutCookie("refresh_token", refresh)
		return strings.Contains(thief.Do("POST", "/api/auth/refresh", nil).Text, "session_revoked")
	})
}

func TestOpsListener(t *testing.T) {
	s := site.Embedded(t).Start()
	ready := s.Browser().Readyz()
	if ready.StatusCode != 200 {
		t.Errorf("readyz: %d %s", ready.StatusCode, ready.Text)
	}
	// Private things are not on the public listener.
	for _, path := range []string{"/readyz", "/livez", "/metrics", "/debug/pprof/"} {
		s.Browser().Do("GET", path, nil).Want(t, 404)
	}
}
