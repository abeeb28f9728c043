package attack

import (
	"strings"
	"testing"
)

const (
	badPath   = "bad_path"
	notFound  = "not_found"
	notAuth   = "not_authenticated"
	malformed = "malformed_request"
)

// What is judged is what is sent, and what can be read in two ways is refused.
func TestAttackPaths(t *testing.T) {
	var rows []attack
	for target, arrives := range map[string]string{
		"/api/x":                         "/",
		"/api/x/":                        "/",
		"/api/x?":                        "/?",
		"/api/x/a":                       "/a",
		"/api/x/a/":                      "/a/",
		"/api/x/a%2Fb%2fc":               "/a%2Fb%2fc",
		"/api/x/a;b=c;d/e":               "/a;b=c;d/e",
		"/api/x/a?b=%2F&c;d=%zz&%":       "/a?b=%2F&c;d=%zz&%",
		"/api/x/a?next=//else/../%2e%2e": "/a?next=//else/../%2e%2e",
		"/api/x/%E2%82%AC%20+%25":        "/%E2%82%AC%20+%25",
		"/api/x/%252e%252e/a":            "/%252e%252e/a", // a name with percent signs in it, for whoever decodes once
		"/api/x/...":                     "/...",
		"/api/x/.hidden":                 "/.hidden",
		"/api/x/auth/me":                 "/auth/me", // below the row, not ours
		"/api/x/%EF%BD%81":               "/%EF%BD%81",
		"/api/x/Admins":                  "/Admins",
		"/api/x/a|b[]{}\"<>^`":           "/a|b[]{}\"<>^`",
		"/api/x/" + strings.Repeat("x/", 4000) + "x": "/" + strings.Repeat("x/", 4000) + "x",
	} {
		rows = append(rows,
			attack{name: "passes " + target[:min(len(target), 60)], as: member, send: get(target), status: 200, arrives: "GET " + arrives + " HTTP/1.1"},
			attack{name: "nobody " + target[:min(len(target), 60)], as: anonymous, send: get(target), status: 401, code: notAuth})
	}
	for _, target := range []string{
		"/api/%78/a", "/api/x/%61", "/api/x/%7Euser", "/%61pi/x", "/api/x/%2D",
		"/api/x/.", "/api/x/..", "/api/x/./a", "/api/x/../auth/me", "/api/x/a/../../admin/users", "/api/x/%2e", "/api/x/%2E%2E/admin", "/api/x/.%2e/admin",
		"/api/x/..%2fadmin", "/api/x/%2e%2e%2fadmin", "/api/x/..;/admin", "/api/x/..;a=b/admin", "/api/x/a/..;x", "/api/x/%2e%2e;/admin", "/api/x/..%3bx/admin",
		"/api/x//admin", "//api/x", "/api//x", "/api/x//", "//evil.example/api/x", "///api/x",
		"/api/x/\\admin", "/api/x/..\\admin", "/api\\x", "/api/x/%5cadmin", "/api/x/%5C..%5c", "/api/x/a%5Cb",
		"/api/x/%00", "/api/x/a%00.css", "/api/x/%0d%0aEVIL:1", "/api/x/%1b", "/api/x/%7f", "/api/x/%09", "/api/x/a\x80", "/api/x/\xff",
		"/api/x/\u2025/a", "/api/x/\uff0fadmin", "/api/x/%EF%BC%8Fadmin", "/api/x/%EF%BC%8E%EF%BC%8E/admin", "/api/x/%EF%BC%BCadmin", "/api/x/%ef%bc%852e",
		"/api/x/%c0%ae%c0%ae/admin", "/api/x/%c0%af", "/api/x/%e0%80%af", "/api/x/%f0%80%80%af",
		"/api%2Fx/a", "/api/x%2Fa", "/api/x%2Fadmin", "/api/x/%2Fadmin", "/api/x/admin%2Fusers", "/api%2fadmin/users", "/api/auth%2fme",
		"/api/x/admin;a", "/api/x/admin;a=b/users", "/api/x/ADMIN", "/api/x/Admin/users", "/api/x/admin%3Bx", "/api;a/x", "/api/x;a", "/api;/auth/me",
		"/api/x/a#b", "/api/x/#", "/API%2Fx",
	} {
		rows = append(rows, attack{name: "refused " + target, as: member, send: get(target), status: 400, code: badPath})
	}
	for _, target := range []string{"/api/x/%", "/api/x/%z", "/api/x/%zz", "/api/x/%2", "/api/x/%u002e", "\\api/x", "/api/x/\x01", "/api/x/a b", "/\x7f"} {
		rows = append(rows, attack{name: "unreadable " + target, as: member, send: get(target), status: 400, code: malformed, closes: true})
	}
	rows = append(rows,
		attack{name: "refused for a stale session, before it is renewed", as: stale, send: get("/api/x/../a"), status: 400, code: badPath},
		attack{name: "refused for nobody alike", send: get("/api/x/%2e%2e/a"), status: 400, code: badPath},
		attack{name: "refused on a public row", send: get("/api/open//a"), status: 400, code: badPath},
		attack{name: "refused for POST", as: member, send: request("POST", "/api/x/./a", "Content-Length: 4") + "EVIL", status: 400, code: badPath},
		attack{name: "a stale session is renewed", as: stale, send: get("/api/x/a"), status: 200, arrives: "GET /a HTTP/1.1"},
		attack{name: "another role's row", as: member, send: get("/api/x/admin"), status: 403, code: "forbidden"},
		attack{name: "another role's row, below", as: member, send: get("/api/x/admin/users/?a"), status: 403, code: "forbidden"},
		attack{name: "another role's row, stale", as: stale, send: get("/api/x/admin"), status: 403, code: "forbidden"},
		attack{name: "another role's row, anonymous", send: get("/api/x/admin"), status: 401, code: notAuth},
		attack{name: "no row", as: member, send: get("/api/y"), status: 404, code: notFound},
		attack{name: "no segment border", as: member, send: get("/api/xa"), status: 404, code: notFound},
		attack{name: "the root of all rows", as: member, send: get("/api"), status: 404, code: notFound},
		attack{name: "outside", as: member, send: get("/x/a"), status: 404},
		attack{name: "capitals", as: member, send: get("/API/x/a"), status: 404},
		attack{name: "a tab for the space", as: member, send: "GET\t/api/x/a HTTP/1.1\nHost: localhost\n{as}\n", status: 400},
	)
	besiege(t).try(t, rows)
}

// Only the table is reachable: no spelling of a target makes it a proxy to
// anywhere else.
func TestAttackOpenProxy(t *testing.T) {
	const every = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	rows := []attack{
		{name: "absolute form", as: member, send: get("http://evil.example/api/x/a"), status: 400, code: badPath},
		{name: "absolute form of our own", as: member, send: get("http://localhost/api/x/a"), status: 400, code: badPath},
		{name: "absolute form, https", as: member, send: get("https://evil.example/"), status: 400, code: badPath},
		{name: "absolute form, another scheme", as: member, send: get("file:///etc/passwd"), status: 400, code: badPath},
		{name: "scheme without slashes", as: member, send: get("http:/api/x/a"), status: 400},
		{name: "the metadata service", as: member, send: get("http://169.254.169.254/latest/meta-data/"), status: 400, code: badPath},
		{name: "two slashes", as: member, send: get("//evil.example/"), status: 400, code: badPath},
		{name: "user info", as: member, send: get("@evil.example/"), status: 400},
		{name: "user info after a slash", as: member, send: get("/@evil.example/"), status: 404},
		{name: "authority", as: member, send: get("evil.example:80"), status: 400},
		{name: "asterisk", as: member, send: get("*"), status: 400, code: badPath},
		{name: "OPTIONS *", as: member, send: request("OPTIONS", "*"), status: 400, code: badPath},
		{name: "no target", as: member, send: "GET HTTP/1.1\nHost: localhost\n{as}\n", status: 400},
		{name: "query only", as: member, send: get("?/api/x"), status: 400},
		{name: "CONNECT to a path", as: member, send: request("CONNECT", "/api/x/a"), status: 405, code: "method_not_allowed"},
		{name: "CONNECT on a public row", send: request("CONNECT", "/api/open/a"), status: 405, code: "method_not_allowed"},
		{name: "the HTTP/2 preface", send: "PRI * HTTP/2.0\n\nSM\n\n", status: 405},
		{name: "HTTP/2.0", as: member, send: "GET /api/x/a HTTP/2.0\nHost: localhost\n{as}\n", status: 505},
		{name: "HTTP/0.9", as: member, send: "GET /api/x/a\n\n", status: 400},
		{name: "lower-case http", as: member, send: "GET /api/x/a http/1.1\nHost: localhost\n{as}\n", status: 400},
		{name: "no Host", as: member, send: "GET /api/x/a HTTP/1.1\n{as}\n", status: 400},
		{name: "two Hosts", as: member, send: get("/api/x/a", "Host: evil.example"), status: 400},
		{name: "a Host with a path", as: member, send: "GET /api/x/a HTTP/1.1\nHost: evil.example/api\n{as}\n", status: 400},
		{
			name: "another Host is nobody's business", as: member, send: "GET /api/x/a HTTP/1.1\nHost: EVIL.example:99\n{as}\n",
			status: 200, arrives: "GET /a HTTP/1.1", has: []string{"\r\nX-Forwarded-Host: localhost:"},
		},
	}
	for _, method := range []string{"TRACE", "TRACK", "PROPFIND", "BREW", "get", "Get", "PURGE", "LINK", "SEARCH", "QUERY", "X-EVIL", "M-SEARCH"} {
		rows = append(rows,
			attack{name: method, as: member, send: request(method, "/api/x/a"), status: 405, code: "method_not_allowed"},
			attack{name: method + " anonymous", send: request(method, "/api/open/a"), status: 405, code: "method_not_allowed"})
	}
	for method := range strings.SplitSeq(every, ", ") {
		rows = append(rows, attack{name: method, as: stale, send: request(method, "/api/x/a"), status: 200, arrives: method + " /a HTTP/1.1"})
		only := attack{name: method + " where GET and POST may", as: member, send: request(method, "/api/only/a"), status: 405, code: "method_not_allowed"}
		switch method {
		case "GET", "POST":
			only.status, only.code, only.arrives = 200, "", method+" /a HTTP/1.1"
		case "HEAD":
			only.code = "" // has no body to say it in
		}
		rows = append(rows, only)
	}
	b := besiege(t)
	b.try(t, rows)
	for target, status := range map[string]int{"evil.example:443": 405, "/api/x": 405} {
		// Refused, by the method or by the form of the target.
		got := b.exchange(t, member, request("CONNECT", target), false)
		if got.StatusCode != status && got.StatusCode != 400 || len(b.upstream.requests()) > 0 {
			t.Errorf("CONNECT %s: %d", target, got.StatusCode)
		}
	}
	if allow := b.exchange(t, member, request("TRACE", "/api/only/a"), false).Header.Get("Allow"); allow != every {
		t.Errorf("Allow: %q", allow)
	}
	if allow := b.exchange(t, member, request("DELETE", "/api/only/a"), false).Header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %q", allow)
	}
}
