package journey

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestPages(t *testing.T) {
	s := site.Embedded(t).Start()
	anonymous := s.Browser()
	for path, status := range map[string]int{"/": 200, "/signup": 200, "/signin": 200, "/nowhere": 404, "/nowhere/at/all": 404} {
		a := anonymous.Do("GET", path, nil).Want(t, status)
		if !strings.Contains(a.Text, "tiny app") || a.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: Cache-Control %q, %s", path, a.Header.Get("Cache-Control"), a.Text)
		}
	}
	for path, to := range map[string]string{
		"/login": "/signin", "/register": "/signup", "/login?next=%2Faccount": "/signin?next=%2Faccount",
		"/dashboard":           "/signin?next=%2Fdashboard",
		"/account":             "/signin?next=%2Faccount",
		"/admin/users?q=a":     "/signin?next=%2Fadmin%2Fusers%3Fq%3Da",
		"/admin/audit":         "/signin?next=%2Fadmin%2Faudit",
		"/dashboard?tab=a&x=1": "/signin?next=%2Fdashboard%3Ftab%3Da%26x%3D1",
	} {
		if a := anonymous.Do("GET", path, nil).Want(t, 302); a.Header.Get("Location") != to {
			t.Errorf("%s: Location %q, want %q", path, a.Header.Get("Location"), to)
		}
	}
	// Strict cookies are withheld on a click from another site: it gets the page.
	anonymous.Do("GET", "/dashboard", nil, "Sec-Fetch-Site", "cross-site").Want(t, 200)
	anonymous.Do("GET", "/dashboard", nil, "Sec-Fetch-Site", "same-origin").Want(t, 302)
	anonymous.Do("POST", "/signin", nil).Want(t, 405, "method_not_allowed")
}

// An app with pages of its own says so in a file beside its index.html.
func TestPagesOfAnotherApp(t *testing.T) {
	s := site.Embedded(t)
	dir := site.TinyApp(t)
	put(t, dir, "gatehouse.json", `{"pages": {"anyone": ["/", "/signin", "/login"], "members": ["/orders", "/orders/*"]}, "trustedTypes": ["lit-html"]}`)
	s.NoApp, s.Env["SPA_DIR"] = true, dir
	s.Start()
	anonymous, member := s.Browser(), s.Member("ada@example.com")
	for path, status := range map[string]int{
		"/": 200, "/login": 200, "/orders": 302, "/orders/5?x=1": 302, "/dashboard": 404, "/register": 302, "/gatehouse.json": 404,
	} {
		anonymous.Do("GET", path, nil).Want(t, status)
	}
	if a := anonymous.Do("GET", "/orders/v1.2?x=1", nil).Want(t, 302); a.Header.Get("Location") != "/signin?next=%2Forders%2Fv1.2%3Fx%3D1" {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	for _, path := range []string{"/orders", "/orders/5", "/orders/v1.2"} {
		if a := member.Do("GET", path, nil).Want(t, 200); !strings.Contains(a.Text, "tiny app") {
			t.Errorf("%s: %s", path, a.Text)
		}
	}
	if csp := anonymous.Do("GET", "/", nil).Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; trusted-types lit-html") {
		t.Errorf("the policy: %s", csp)
	}
	if logs := s.Logs.String(); !strings.Contains(logs, `"/orders/*"`) {
		t.Error("the log has a path, not the row")
	}
}

func TestMembersPages(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	if a := b.Do("GET", "/dashboard", nil).Want(t, 200); len(a.Cookies()) != 0 {
		t.Errorf("a fresh session got cookies: %v", a.SetCookies())
	}
	s.Clock.Advance(20 * time.Minute)
	renewed := b.Do("GET", "/dashboard", nil).Want(t, 200)
	if len(renewed.Cookies()) != 2 || renewed.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a stale session is renewed on the way: %v, Cache-Control %q", renewed.SetCookies(), renewed.Header.Get("Cache-Control"))
	}
	s.Clock.Advance(8 * 24 * time.Hour)
	ended := b.Do("GET", "/dashboard", nil).Want(t, 302)
	if ended.Header.Get("Location") != "/signin?next=%2Fdashboard&ended=session_expired" || ended.SetCookies()["refresh_token"] || len(ended.Cookies()) != 2 {
		t.Errorf("an ended session: %s, %v", ended.Header.Get("Location"), ended.SetCookies())
	}
}

func TestDocumentsTellWhetherASessionCame(t *testing.T) {
	s := site.Embedded(t).Start()
	stranger, member := s.Browser(), s.Member("ada@example.com")
	for _, row := range []struct {
		who        *site.Browser
		path, site string
		want       string
	}{
		{stranger, "/", "none", "none"},
		{stranger, "/signin", "same-origin", "none"},
		{stranger, "/no-such-page", "none", "none"},
		{stranger, "/dashboard", "cross-site", "unknown"}, // Strict cookies are withheld
		{stranger, "/", "cross-site", "unknown"},
		{stranger, "/", "", "unknown"}, // who knows
		{member, "/", "none", "unknown"},
		{member, "/dashboard", "same-origin", "unknown"},
	} {
		var headers []string
		if row.site != "" {
			headers = []string{"Sec-Fetch-Site", row.site}
		}
		a := row.who.Do("GET", row.path, nil, headers...)
		if got := a.Header.Get("Server-Timing"); got != "session;desc="+row.want {
			t.Errorf("%s from %q: %d, Server-Timing %q", row.path, row.site, a.StatusCode, got)
		}
		again := row.who.Do("GET", row.path, nil, append(headers, "If-None-Match", a.Header.Get("ETag"))...)
		if got := again.Header.Get("Server-Timing"); got != "session;desc="+row.want {
			t.Errorf("%s again: %d, Server-Timing %q", row.path, again.StatusCode, got)
		}
	}
	if a := stranger.Do("GET", "/favicon.svg", nil, "Sec-Fetch-Site", "none"); a.Header.Get("Server-Timing") != "" {
		t.Error("a file tells of sessions")
	}
}

func TestAssets(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Browser()
	a := b.Do("GET", "/assets/app-1a2b.js", nil).Want(t, 200)
	if a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || a.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("headers %v", a.Header)
	}
	b.Do("GET", "/assets/app-1a2b.js", nil, "If-None-Match", a.Header.Get("ETag")).Want(t, 304)
	for _, path := range []string{"/assets/gone-ffff.js", "/assets/app-1a2b.js.map", "/robots.txt"} {
		missing := b.Do("GET", path, nil).Want(t, 404, "not_found")
		if strings.Contains(missing.Text, "<!doctype") {
			t.Errorf("%s: a page instead of a 404", path)
		}
	}
}

func TestSecurityHeadersOnEverything(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	pages := []string{"/", "/nowhere"}
	for path, csp := range map[string]string{
		"/": "require-trusted-types-for 'script'", "/nowhere": "default-src 'none'", "/assets/app-1a2b.js": "frame-ancestors 'none'",
		"/api/auth/me": "sandbox", "/api/nowhere": "sandbox", "/api/demo/me": "sandbox", "/api/%61uth/me": "default-src 'none'",
		"/healthz": "frame-ancestors 'none'", "/.well-known/jwks.json": "frame-ancestors 'none'",
	} {
		referrer := "no-referrer"
		if slices.Contains(pages, path) {
			referrer = "same-origin"
		}
		a := b.Do("GET", path, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff", "Referrer-Policy": referrer,
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
			"Permissions-Policy": "camera=()",
		} {
			if values := a.Header.Values(name); len(values) != 1 || !strings.Contains(values[0], want) {
				t.Errorf("%s: %s: %q, want once, with %q", path, name, values, want)
			}
		}
		for _, name := range []string{"Access-Control-Allow-Origin", "Strict-Transport-Security", "Server", "X-Powered-By"} {
			if a.Header.Get(name) != "" {
				t.Errorf("%s: %s: %q", path, name, a.Header.Get(name))
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

// Under `no-referrer` a browser sends a page's own form with `Origin: null`.
func TestReferrerPolicyLetsFormsOfPagesSendTheirOrigin(t *testing.T) {
	s := site.Embedded(t)
	dir := site.TinyApp(t)
	put(t, dir, "terms.html", "<!doctype html><title>terms</title>")
	put(t, dir, "old.xhtml", "<html xmlns='http://www.w3.org/1999/xhtml'/>")
	s.NoApp, s.Env["SPA_DIR"] = true, dir
	s.Start()
	b := s.Browser()
	etag := b.Do("GET", "/", nil).Header.Get("ETag")
	for _, test := range []struct {
		path, want string
		headers    []string
		status     int
	}{
		{"/", "same-origin", nil, 200},
		{"/", "same-origin", []string{"If-None-Match", etag}, 304}, // replaces what the browser has stored
		{"/nowhere", "same-origin", nil, 404},
		{"/terms.html", "same-origin", nil, 200},
		{"/old.xhtml", "same-origin", nil, 200},
		{"/assets/app-1a2b.js", "no-referrer", nil, 200},
		{"/assets/gone.js", "no-referrer", nil, 404},
		{"/favicon.svg", "no-referrer", nil, 200},
		{"/login", "no-referrer", nil, 302},
		{"/api/auth/me", "no-referrer", nil, 401},
		{"/healthz", "no-referrer", nil, 200},
	} {
		a := b.Do("GET", test.path, nil, test.headers...).Want(t, test.status)
		if got := a.Header.Values("Referrer-Policy"); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: Referrer-Policy %q, want %q", test.path, got, test.want)
		}
	}
}
