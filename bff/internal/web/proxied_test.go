package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// Responses of rows that are not public depend on the cookies, those of our own
// included.
func TestProblemsOfMembersRowsDependOnTheCookies(t *testing.T) {
	for _, tt := range []struct {
		access route.Access
		method string
		header string
		status int
		vary   string
	}{
		{route.Member, "GET", "", 401, "Cookie"},
		{route.Member, "HEAD", "", 401, "Cookie"},
		{route.Member, "GET", "Cookie: __Host-access_token=forged", 401, "Cookie"},
		{route.Member, "GET", "Sec-Fetch-Site: cross-site", 403, "Cookie"},
		{route.Optional, "GET", "Sec-Fetch-Site: cross-site", 403, "Cookie"},
		{route.Public, "GET", "Sec-Fetch-Site: cross-site", 403, ""},
		{route.Public, "GET", "", 200, ""},
	} {
		p := newHotPath(t, tt.access)
		r := httptest.NewRequest(tt.method, forwardedRow, nil)
		if name, value, ok := strings.Cut(tt.header, ": "); ok {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		p.server.ServeHTTP(w, r)
		if got := strings.Join(w.Header()["Vary"], "|"); w.Code != tt.status || got != tt.vary || w.Code != 200 && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("access %v, %s with %q: %d %v, want %d, Vary %q", tt.access, tt.method, tt.header, w.Code, w.Header(), tt.status, tt.vary)
		}
	}
	p := newHotPath(t, route.Member)
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/elsewhere", nil))
	if w.Code != 404 || w.Header()["Vary"] != nil {
		t.Errorf("no row: %d %v", w.Code, w.Header())
	}
}

// rowsOf makes the server use these tables, one for each request.
func (p *hotPath) rowsOf(t *testing.T, tables ...*route.Table) {
	t.Helper()
	p.server.table = func() *route.Table {
		table := tables[0]
		if len(tables) > 1 {
			tables = tables[1:]
		}
		return table
	}
}

func tableOf(t *testing.T, rows string) *route.Table {
	t.Helper()
	table, err := route.ParseTable([]byte("routes:\n" + rows))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

const (
	openToOthers = "  - {path: /api/pay, upstreams: [http://127.0.0.1:9], access: public, identity: none, cross_site: allow}\n"
	closedRow    = "  - {path: /api/pay, upstreams: [http://127.0.0.1:9], access: public, identity: none}\n"
)

// A page of another site may send these requests to a row with `cross_site: allow`,
// and to no other.
func TestCrossSiteRows(t *testing.T) {
	p := newHotPath(t, route.Member)
	table := tableOf(t, openToOthers+"  - {path: /api/pay/own, upstreams: [http://127.0.0.1:9], access: public, identity: none}\n")
	for _, tt := range []struct {
		name, method, path string
		header             []string
		status             int
	}{
		{"the return of a payment provider", "POST", "/api/pay/return", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Origin", "https://pay.example"}, 200},
		{"an older browser's", "POST", "/api/pay/return", []string{"Origin", "https://pay.example"}, 200},
		{"a form of a sandboxed frame", "POST", "/api/pay", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, 200},
		{"a link", "GET", "/api/pay/return?x=1", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"our own page", "POST", "/api/pay", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://gate.example"}, 200},
		{"a WebSocket, which a page could read", "GET", "/api/pay", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Connection", "Upgrade", "Upgrade", "websocket"}, 403},
		{"a WebSocket of our own page", "GET", "/api/pay", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://gate.example", "Connection", "Upgrade", "Upgrade", "websocket"}, 200},
		{"a longer row that does not allow it", "POST", "/api/pay/own/x", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a path that can be taken for that row", "POST", "/api/pay%2Fown", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"dots out of the row", "POST", "/api/pay/../auth/login", []string{"Sec-Fetch-Site", "cross-site"}, 400},
		{"an endpoint of ours", "POST", "/api/auth/logout", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"no row", "POST", "/api/payment", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		p.rowsOf(t, table)
		r := httptest.NewRequest(tt.method, tt.path, nil)
		for i := 0; i < len(tt.header); i += 2 {
			r.Header.Set(tt.header[i], tt.header[i+1])
		}
		w := httptest.NewRecorder()
		p.server.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
	}
}

// A reload while a request is on its way changes nothing about it: the row
// that the cross-site rule saw is the row that is used.
func TestRowIsJudgedOnce(t *testing.T) {
	p := newHotPath(t, route.Member)
	used := ""
	p.server.forward = func(w http.ResponseWriter, _ *http.Request, d route.Decision, _ proxy.Call) {
		used = d.Route().Upstreams[0].Host
		w.WriteHeader(http.StatusOK)
	}
	p.rowsOf(t, tableOf(t, openToOthers), tableOf(t, strings.Replace(closedRow, "127.0.0.1:9", "another:1", 1)))
	for _, want := range []int{200, 403} {
		r := httptest.NewRequest(http.MethodPost, "/api/pay", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		p.server.ServeHTTP(w, r)
		if w.Code != want || used != "127.0.0.1:9" {
			t.Errorf("%d from %q, want %d", w.Code, used, want)
		}
	}
}

// The problem of a request above the limit of live connections.
func TestTooManyLiveConnectionsProblem(t *testing.T) {
	p := newHotPath(t, route.Public)
	p.server.forward = func(w http.ResponseWriter, _ *http.Request, d route.Decision, call proxy.Call) {
		call.Caller.OnError(w, &proxy.Error{Kind: proxy.TooManyLive, Route: d.Route().Path})
	}
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, forwardedRow, nil))
	if w.Code != 429 || w.Header().Get("Retry-After") != "60" || !strings.Contains(w.Body.String(), `"code":"too_many_attempts"`) || !strings.Contains(w.Body.String(), forwardedRow+": too many") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
