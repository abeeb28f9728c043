package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
)

// What a row that is not public is answered depends on who asks, the answers
// that are our own included.
func TestProblemsOfMembersRowsDependOnTheCookies(t *testing.T) {
	for _, tt := range []struct {
		access proxy.Access
		method string
		header string
		status int
		vary   string
	}{
		{proxy.Member, "GET", "", 401, "Cookie"},
		{proxy.Member, "HEAD", "", 401, "Cookie"},
		{proxy.Member, "GET", "Cookie: __Host-access_token=forged", 401, "Cookie"},
		{proxy.Member, "GET", "Sec-Fetch-Site: cross-site", 403, "Cookie"},
		{proxy.Optional, "GET", "Sec-Fetch-Site: cross-site", 403, "Cookie"},
		{proxy.Public, "GET", "Sec-Fetch-Site: cross-site", 403, ""},
		{proxy.Public, "GET", "", 200, ""},
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
	p := newHotPath(t, proxy.Member)
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/elsewhere", nil))
	if w.Code != 404 || w.Header()["Vary"] != nil {
		t.Errorf("no row: %d %v", w.Code, w.Header())
	}
}
