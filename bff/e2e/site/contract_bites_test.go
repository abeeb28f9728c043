package site

import (
	"net/http"
	"strings"
	"testing"
)

const (
	aSession = `"session":{"id":"S","accessExpiresAt":"2026-03-01T12:15:00Z","idleExpiresAt":"2026-03-08T12:00:00Z",` +
		`"absoluteExpiresAt":"2026-05-30T12:00:00Z","remember":false}`
	aUser    = `"user":{"id":"U","email":"ada@example.com","name":"","role":"user","emailVerified":false,"createdAt":"2026-03-01T12:00:00Z"}`
	signedIn = "{" + aUser + "," + aSession + "}"
	aProblem = `{"type":"urn:gatehouse:problem:CODE","title":"Title","status":400,"code":"CODE","requestId":"R"}`
)

// What holds every answer must be able to complain.
func TestContractBites(t *testing.T) {
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	problem := func(code string) string { return strings.ReplaceAll(aProblem, "CODE", code) }
	for _, tt := range []struct {
		name, call, sent string
		status           int
		headers, text    string
		complaint        string // "" for none
	}{
		{"as documented", "GET /api/auth/me", "", 200, "", signedIn, ""},
		{"proxied", "GET /api/demo/me", "", 299, "Cache-Control:private", "anything", ""},
		{"a page", "GET /dashboard", "", 200, "", "<html>", ""},
		{"HEAD", "HEAD /api/auth/me", "", 200, "", "", ""},
		{"undocumented status", "GET /api/auth/me", "", 418, "", signedIn, "status is not documented"},
		{"undocumented status to HEAD", "HEAD /api/auth/me", "", 418, "", "", "status is not documented"},
		{"undocumented member", "GET /api/auth/me", "", 200, "", strings.Replace(signedIn, `"id":"S"`, `"id":"S","generation":3`, 1), "generation"},
		{"member at the top", "GET /api/auth/me", "", 200, "", "{" + aUser + "," + aSession + `,"token":"x"}`, "token"},
		{"member missing", "GET /api/auth/me", "", 200, "", "{" + aUser + "}", "session"},
		{"wrong type", "GET /api/auth/me", "", 200, "", strings.Replace(signedIn, `"remember":false`, `"remember":0`, 1), "/session/remember"},
		{"no time", "GET /api/auth/me", "", 200, "", strings.Replace(signedIn, "2026-05-30T12:00:00Z", "soon", 1), "absoluteExpiresAt"},
		{"unknown role", "GET /api/auth/me", "", 200, "", strings.Replace(signedIn, `"role":"user"`, `"role":"root"`, 1), "/user/role"},
		{"no JSON", "GET /api/auth/me", "", 200, "", "<html>", "invalid character"},
		{"wrong type of content", "GET /api/auth/me", "", 200, "Content-Type:text/html", signedIn, "text/html is not documented"},
		{"kept by caches", "GET /api/auth/me", "", 200, "Cache-Control:max-age=60", signedIn, "Cache-Control"},
		{"nothing about caches", "GET /api/auth/me", "", 200, "Cache-Control:", signedIn, "Cache-Control"},

		{"sign-in without cookies", "POST /api/auth/login", "", 200, "", signedIn, "Set-Cookie"},
		{"a body where there is none", "POST /api/auth/logout", "", 204, "Set-Cookie:a=b", "{}", "none is documented"},
		{"taken as documented", "PATCH /api/auth/me", `{"name":"Ada"}`, 200, "", "{" + aUser + "}", ""},
		{"taken all the same", "PATCH /api/auth/me", `{"name":"Ada","role":"admin"}`, 200, "", "{" + aUser + "}", "body was taken"},

		{"problem", "GET /api/auth/me", "", 401, "WWW-Authenticate:Cookie", problem("session_expired"), ""},
		{"problem without its challenge", "GET /api/auth/me", "", 401, "", problem("session_expired"), "WWW-Authenticate"},
		{"problem of another status", "GET /api/auth/me", "", 403, "", problem("session_expired"), "/code"},
		{"problem that nobody knows", "GET /api/auth/me", "", 403, "", problem("no_idea"), "/code"},
		{"problem of another endpoint", "GET /api/auth/me", "", 403, "", problem("wrong_password"), "/code"},
		{"no hurry", "POST /api/auth/login", "", 429, "Retry-After:7", problem("too_many_attempts"), ""},
		{"in no time", "POST /api/auth/login", "", 429, "Retry-After:0", problem("too_many_attempts"), "Retry-After"},
		{"who knows when", "POST /api/auth/login", "", 429, "Retry-After:soon", problem("too_many_attempts"), "Retry-After"},

		{"method", "PUT /api/auth/me", "", 405, "Allow:GET", problem("method_not_allowed"), ""},
		{"method of a list", "DELETE /api/auth/sessions", "", 405, "Allow:GET", problem("method_not_allowed"), ""},
		{"method, and nothing about others", "PUT /api/auth/me", "", 405, "", problem("method_not_allowed"), "Allow"},
		{"undocumented method", "PUT /api/auth/me", "", 200, "", signedIn, "method that is not documented"},
		{"undocumented method of an id", "GET /api/auth/sessions/S", "", 200, "", signedIn, "method that is not documented"},
		{"method from another site", "PUT /api/auth/me", "", 403, "", problem("cross_site_request"), ""},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		r, err := http.NewRequest(method, "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}}
		if tt.status >= 400 {
			h.Set("Content-Type", "application/problem+json")
		}
		if name, value, ok := strings.Cut(tt.headers, ":"); ok {
			if h.Del(name); value != "" {
				h.Set(name, value)
			}
		}
		var sent []byte
		if tt.sent != "" {
			sent = []byte(tt.sent)
		}
		err = c.check(sent, Answer{&http.Response{StatusCode: tt.status, Header: h, Request: r}, tt.text})
		switch {
		case tt.complaint == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.complaint != "" && (err == nil || !strings.Contains(err.Error(), tt.complaint)):
			t.Errorf("%s: %v, want a complaint about %s", tt.name, err, tt.complaint)
		}
	}
}
