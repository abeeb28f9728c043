package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// Whatever a client sends in the names we speak in never arrives, and what we
// say cannot be taken out by naming it in Connection.
func TestForgedRequestHeaders(t *testing.T) {
	url, got := recorder(t, nil)
	g := newGate(t, url, nil)
	forged := []string{
		"Authorization: Bearer EVIL", "authorization: EVIL", "AUTHORIZATION: EVIL", "Proxy-Authorization: EVIL", "Proxy_Authorization: EVIL",
		"X-User-Id: EVIL", "x-user-id: EVIL", "X_User_Id: EVIL", "X.User.Id: EVIL", "X-User_Id: EVIL", "X~User~Id: EVIL", "X_USER_ID: EVIL",
		"X-User-Email: EVIL", "X_User_Email: EVIL", "X-User-Role: EVIL", "x.user-role: EVIL", "X-USER_ROLE: EVIL",
		"X_Request_Id: EVIL", "X-Forwarded-For: EVIL", "X-Forwarded-Host: EVIL", "X-Forwarded-Proto: EVIL", "X-Forwarded-Port: EVIL",
		"X-Forwarded-Prefix: EVIL", "X_Forwarded_For: EVIL", "X.Forwarded.Host: EVIL", "X-Forwarded: EVIL", "Forwarded: for=EVIL", "X-Real-IP: EVIL", "X_Real_IP: EVIL",
		"True-Client-IP: EVIL", "CF-Connecting-IP: EVIL", "X-Original-URL: /EVIL", "X-Rewrite-URL: /EVIL", "X_Original_URL: /EVIL", "Proxy: http://EVIL",
		"Content_Length: 666", "Transfer_Encoding: EVIL", "X-Sendfile-Type: EVIL", "Cookie: access_token=EVIL; a=EVIL", "cookie: __Host-refresh_token=EVIL",
		"Traceparent: EVIL", "Tracestate: evil=EVIL", "HTTP2-Settings: EVIL",
		"Connection: X-User-Id, Authorization, X-Request-Id, X-Forwarded-For, X-Forwarded-Host, keep-alive",
	}
	for _, mode := range []route.IdentityMode{route.IdentityJWT, route.IdentityHeaders, route.IdentityNone} {
		table := mustTable(t, route.Config{Path: "/api/x", Upstreams: g.table.Load().Routes()[0].Upstreams, Identity: mode})
		g.table.Store(table)
		res := g.raw(t, "GET /api/x HTTP/1.1\nHost: evil.example\n"+strings.Join(forged, "\n")+"\nX-Harmless: kept\n\n")
		if res.StatusCode != 200 {
			t.Fatalf("mode %v: status %d", mode, res.StatusCode)
		}
		s := got()
		if tp := s.header.Get("Traceparent"); !validTraceparent(tp) {
			t.Errorf("mode %v: traceparent %q", mode, tp)
		}
		s.header.Del("Traceparent")
		want := http.Header{
			"X-Harmless": {"kept"}, "X-Request-Id": {"req-1"},
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"gate.example"},
		}
		switch mode {
		case route.IdentityJWT:
			want.Set("Authorization", "Bearer jwt-7-x")
		case route.IdentityHeaders:
			want.Set("X-User-Id", "7")
			want.Set("X-User-Email", "ann@example.org")
			want.Set("X-User-Role", "user")
		}
		for name, values := range s.header {
			if strings.Join(values, ",") != strings.Join(want[name], ",") {
				t.Errorf("mode %v: upstream got %s: %q, want %q", mode, name, values, want[name])
			}
			delete(want, name)
		}
		for name, values := range want {
			t.Errorf("mode %v: upstream did not get %s: %q", mode, name, values)
		}
		if "http://"+s.host != url {
			t.Errorf("Host = %q", s.host)
		}
	}
}

// The prefix that is cut off is told, and never the client's.
func TestForwardedPrefix(t *testing.T) {
	url, got := recorder(t, nil)
	for _, strip := range []string{"/api/x", "/api", ""} {
		g := newGate(t, url, func(r *route.Config) { r.StripPrefix = strip })
		g.raw(t, "GET /api/x HTTP/1.1\nHost: h\nX-Forwarded-Prefix: /EVIL\nX_Forwarded_Prefix: /EVIL\nX-Script-Name: /EVIL\nConnection: X-Forwarded-Prefix\n\n")
		h := got().header
		if v := strings.Join(h["X-Forwarded-Prefix"], "|"); v != strip || h["X_forwarded_prefix"] != nil || h["X-Script-Name"] != nil {
			t.Errorf("strip_prefix %q: upstream got %v", strip, h)
		}
	}
}

// API keys pass where the row says so, in the one header and beside the
// identity headers, which are ours alone.
func TestForwardAuthorization(t *testing.T) {
	url, got := recorder(t, nil)
	for _, tt := range []struct{ head, want string }{
		{"Authorization: Bearer key", "Bearer key"},
		{"aUTHORIZATION: Basic YTpi", "Basic YTpi"},
		{"X-A: b", ""},
		{"Authorization: Bearer one\nAuthorization: Bearer two", ""},
		{"Authorization: Bearer key\nConnection: Authorization", ""},
		{"Authorization_: EVIL\nProxy-Authorization: EVIL\nX_User_Id: EVIL", ""},
	} {
		for _, mode := range []route.IdentityMode{route.IdentityHeaders, route.IdentityNone} {
			for _, access := range []route.Access{route.Member, route.Optional, route.Public} {
				g := newGate(t, url, func(r *route.Config) { r.Access, r.Identity, r.ForwardAuthorization = access, mode, true })
				g.raw(t, "GET /api/x HTTP/1.1\nHost: h\nX-User-Id: EVIL\n"+tt.head+"\n\n")
				h, id := got().header, ""
				if mode == route.IdentityHeaders && access != route.Public {
					id = "7"
				}
				if v := strings.Join(h["Authorization"], "|"); v != tt.want || h.Get("X-User-Id") != id || h["Proxy-Authorization"] != nil || h["X_user_id"] != nil {
					t.Errorf("%q, identity %v: upstream got %v", tt.head, mode, h)
				}
				g = newGate(t, url, func(r *route.Config) { r.Access, r.Identity = access, mode })
				g.raw(t, "GET /api/x HTTP/1.1\nHost: h\n"+tt.head+"\n\n")
				if h := got().header; h["Authorization"] != nil {
					t.Errorf("%q in a row without the key: upstream got %v", tt.head, h)
				}
			}
		}
	}
}

func TestNobodyIsNobody(t *testing.T) {
	url, got := recorder(t, nil)
	for _, tt := range []struct {
		access route.Access
		who    *route.Identity
		want   string
	}{{route.Member, ann, "Bearer jwt-7-x"}, {route.Optional, ann, "Bearer jwt-7-x"}, {route.Optional, nil, ""}, {route.Public, ann, ""}, {route.Public, nil, ""}} {
		for _, mode := range []route.IdentityMode{route.IdentityJWT, route.IdentityHeaders} {
			g := newGate(t, url, func(r *route.Config) { r.Access, r.Identity = tt.access, mode })
			g.who = tt.who
			g.raw(t, "GET /api/x HTTP/1.1\nHost: h\nX-User-Id: EVIL\nAuthorization: EVIL\n\n")
			h := got().header
			if tt.want == "" && (h["Authorization"] != nil || h["X-User-Id"] != nil || h["X-User-Role"] != nil || h["X-User-Email"] != nil) {
				t.Errorf("%v %v: identity sent: %v", tt.access, tt.who, h)
			}
			if tt.want != "" && mode == route.IdentityJWT && h.Get("Authorization") != tt.want {
				t.Errorf("%v %v: Authorization %q", tt.access, tt.who, h["Authorization"])
			}
			if tt.want != "" && mode == route.IdentityHeaders && (h.Get("X-User-Id") != "7" || h["Authorization"] != nil) {
				t.Errorf("%v %v: %v", tt.access, tt.who, h)
			}
		}
	}
}

func TestMethodOverride(t *testing.T) {
	url, got := recorder(t, nil)
	for _, restricted := range []bool{true, false} {
		g := newGate(t, url, func(r *route.Config) {
			if restricted {
				r.Methods = []string{"POST"}
			}
		})
		g.raw(t, "POST /api/x HTTP/1.1\nHost: h\nX-HTTP-Method-Override: DELETE\nX_Http_Method: DELETE\nContent-Length: 0\n\n")
		h := got().header
		if arrived := h["X-Http-Method-Override"] != nil || h["X_http_method"] != nil; arrived == restricted {
			t.Errorf("restricted %v: override arrived %v", restricted, arrived)
		}
	}
}

func TestTraceparent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for v, want := range map[string]bool{
		good: true, "cc" + good[2:] + "-more": true,
		"": false, "00": false, good + "-x": false, "ff" + good[2:]: false, strings.ToUpper(good): false, good[:54]: false, "cc" + good[2:] + "x": false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false, "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false,
		strings.Replace(good, "4b", "zz", 1): false, good[:2] + "_" + good[3:]: false,
	} {
		if validTraceparent(v) != want {
			t.Errorf("validTraceparent(%q) = %v", v, !want)
		}
	}
	url, got := recorder(t, nil)
	g := newGate(t, url, nil)
	g.do(t, "GET", "/api/x", nil, "Traceparent", good, "Tracestate", "a=b")
	if h := got().header; h.Get("Traceparent") != good || h.Get("Tracestate") != "a=b" {
		t.Errorf("good trace context lost: %v", h)
	}
	made := map[string]bool{}
	for _, header := range [][]string{nil, {"Traceparent", "x"}, {"Traceparent", strings.ToUpper(good)}, {"Traceparent", good, "Traceparent", good}} {
		g.do(t, "GET", "/api/x", nil, append(header, "Tracestate", "a=b")...)
		h := got().header
		tp := h.Get("Traceparent")
		if len(h["Traceparent"]) != 1 || !validTraceparent(tp) || !strings.HasPrefix(tp, "00-") || !strings.HasSuffix(tp, "-00") || tp[3:35] == good[3:35] || h["Tracestate"] != nil {
			t.Errorf("%q: upstream got %v, %v", header, h["Traceparent"], h["Tracestate"])
		}
		made[tp[3:35]], made[tp[36:52]] = true, true
	}
	if len(made) != 8 {
		t.Errorf("ids are not random: %v", made)
	}
}

func TestRequestCookies(t *testing.T) {
	url, got := recorder(t, nil)
	g := newGate(t, url, func(r *route.Config) { r.ForwardCookies = true })
	for _, tt := range []struct{ head, want string }{
		{"Cookie: a=1; b=2", "a=1; b=2"},
		{"Cookie: a=1;b=2,3", "a=1;b=2,3"},
		{"Cookie: Access_Token=1", "Access_Token=1"},
		{"Cookie: my_access_token=1; a=2", "my_access_token=1; a=2"},
		{"Cookie: a=access_token; b=2", "a=access_token; b=2"},
		{"Cookie: access_token=T", ""},
		{"Cookie: access_token=T; a=1", "a=1"},
		{"Cookie: a=1; access_token=T", "a=1"},
		{"Cookie: a=1;access_token=T;b=2", "a=1; b=2"},
		{"Cookie: a=1; \taccess_token \t= T ; b=2", "a=1; b=2"},
		{"Cookie: a=1; access_token", "a=1"},
		{"Cookie: a=1; \"access_token\"=T", "a=1"},
		{"Cookie: a=\"x; access_token=T; y\"", "a=\"x; y\""},
		{"Cookie: a=1, access_token=T; b=2", "b=2"},
		{"Cookie: __Host-access_token=T; __Host-refresh_token=T; device=T; refresh_token=T; a=1", "a=1"},
		{"Cookie: a=1\nCookie: refresh_token=T\nCookie: b=2", "a=1; b=2"},
		{"Cookie: access_token=T\ncookie: device=T", ""},
		{"Cookie: ;;", ";;"},
	} {
		g.raw(t, "GET /api/x HTTP/1.1\nHost: h\n"+tt.head+"\n\n")
		if s := strings.Join(got().header["Cookie"], "|"); s != tt.want {
			t.Errorf("%q: upstream got %q, want %q", tt.head, s, tt.want)
		}
	}
}

// The exchange had space for nine values, all in use: the tenth header that a
// request could get was an index out of range for every such request.
func TestHeadersBeyondTheExchangesOwnRoom(t *testing.T) {
	ex, h := &exchange{}, http.Header{}
	n := 2*len(ex.values) + 1
	for i := range n {
		ex.set(h, fmt.Sprint("X-", i), fmt.Sprint("value ", i))
	}
	ex.set(h, "X-Empty", "")
	if len(h) != n {
		t.Errorf("%d headers, want %d", len(h), n)
	}
	for i := range n {
		values := h[fmt.Sprint("X-", i)]
		if len(values) != 1 || values[0] != fmt.Sprint("value ", i) || cap(values) != 1 {
			t.Errorf("X-%d: %q, capacity %d", i, values, cap(values))
		}
	}
}
