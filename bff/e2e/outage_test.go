package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Redis gone: valid access tokens keep working, renewal is 503, nobody loses
// a cookie, and all is well when it comes back.
func TestRedisStoppedSignsNobodyOut(t *testing.T) {
	s := onServices(t).start()
	b := s.member("ada@example.com")
	refresh := b.cookie("refresh_token")
	s.redis.Stop()

	b.do("GET", "/api/demo/me", nil).want(t, 200)
	b.do("GET", "/api/auth/me", nil).want(t, 200)

	s.clock.Advance(20 * time.Minute)
	for _, request := range [][2]string{{"GET", "/api/auth/me"}, {"POST", "/api/auth/refresh"}, {"GET", "/api/demo/me"}} {
		a := b.do(request[0], request[1], nil).want(t, 503, "session_store_unavailable")
		if len(a.Header.Values("Set-Cookie")) != 0 || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: Set-Cookie %q, Retry-After %q", request[1], a.Header.Values("Set-Cookie"), a.Header.Get("Retry-After"))
		}
	}
	if a := b.do("GET", "/dashboard", nil).want(t, 200); len(a.Cookies()) != 0 {
		t.Error("a page cleared cookies while nobody could be asked")
	}
	// One line for each page, as for all that is asked: an outage used to have two.
	if logs := s.logs.String(); strings.Count(logs, "page served without a look at the session") != 1 ||
		!strings.Contains(lineWith(logs, "page served without a look at the session"), `"msg":"request"`) {
		t.Errorf("the log says of the page:\n%s", lineWith(logs, "page served"))
	}
	other := s.browser()
	if a := other.do("POST", "/api/auth/login", credentials("ada@example.com")).want(t, 503, "session_store_unavailable"); len(a.Cookies()) != 0 {
		t.Error("cookies of a session that is not stored")
	}
	ready := other.ready()
	if ready.StatusCode != 503 || !strings.Contains(ready.text, `"redis"`) || strings.Contains(ready.text, `"mysql"`) {
		t.Errorf("readyz: %d %s", ready.StatusCode, ready.text)
	}

	s.redis.Start()
	s.eventually("the session to be renewed", func() bool { return b.do("GET", "/api/demo/me", nil).StatusCode == http.StatusOK })
	if b.cookie("refresh_token") == refresh {
		t.Error("not rotated")
	}
	s.eventually("readiness", func() bool { return other.ready().StatusCode == http.StatusOK })
}

// Signing out while Redis is away: this browser's cookies go, the answer says
// that it is not over yet, and the session ends when Redis is back.
func TestSignOutWhileRedisIsStopped(t *testing.T) {
	s := onServices(t).start()
	b := s.member("ada@example.com")
	refresh := b.cookie("refresh_token")
	s.redis.Stop()
	a := b.do("POST", "/api/auth/logout", nil).want(t, 503, "session_store_unavailable")
	if cookies := a.setCookies(); len(cookies) != 2 || cookies["access_token"] || cookies["refresh_token"] {
		t.Errorf("cookies %v", cookies)
	}
	s.redis.Start()
	thief := s.browser()
	s.eventually("the session to end", func() bool {
		thief.put("refresh_token", refresh)
		return strings.Contains(thief.do("POST", "/api/auth/refresh", nil).text, "session_revoked")
	})
}

func (b *browser) ready() answer {
	b.site.t.Helper()
	ops := *b.site
	ops.base = b.site.ops
	probe := *b
	probe.site = &ops
	return probe.do("GET", "/readyz", nil)
}

func TestOpsListener(t *testing.T) {
	s := embedded(t).start()
	ready := s.browser().ready()
	if ready.StatusCode != 200 {
		t.Errorf("readyz: %d %s", ready.StatusCode, ready.text)
	}
	// Private things are not on the public listener.
	for _, path := range []string{"/readyz", "/livez", "/metrics", "/debug/pprof/"} {
		s.browser().do("GET", path, nil).want(t, 404)
	}
}
