package proxy

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// A cookie that is set for the upstream's host and paths is one for ours.
func TestCookiesOfUpstreamsAreForThePublicPath(t *testing.T) {
	for _, tt := range []struct{ in, stripAll, stripAPI, kept string }{
		{"a=1", "a=1", "a=1", "a=1"},
		{"a=1; Path=/", "a=1; Path=/api/x", "a=1; Path=/api", "a=1; Path=/"},
		{"a=1;path=/b/;Secure", "a=1;Secure; Path=/api/x/b/", "a=1;Secure; Path=/api/b/", "a=1;Secure; Path=/b/"},
		{"a=1; PATH = /b ; HttpOnly", "a=1; HttpOnly; Path=/api/x/b", "a=1; HttpOnly; Path=/api/b", "a=1; HttpOnly; Path=/b"},
		{"a=1; Path=/b; Path=/c", "a=1; Path=/api/x/c", "a=1; Path=/api/c", "a=1; Path=/c"},
		{"a=1; Path=/b; Path=", "a=1; Path=", "a=1; Path=", "a=1; Path="},
		{"a=1; Path=b", "a=1; Path=b", "a=1; Path=b", "a=1; Path=b"},
		{`a=1; Path="/b"`, `a=1; Path="/b"`, `a=1; Path="/b"`, `a=1; Path="/b"`},
		{"a=1; Path=/api/x/b", "a=1; Path=/api/x/b", "a=1; Path=/api/x/b", "a=1; Path=/api/x/b"}, // knows X-Forwarded-Prefix
		{"a=1; Path=/api/xy", "a=1; Path=/api/x/api/xy", "a=1; Path=/api/api/xy", "a=1; Path=/api/xy"},
		{"a=1; Domain=orders.internal; Max-Age=5", "a=1; Max-Age=5", "a=1; Max-Age=5", "a=1; Max-Age=5"},
		{"a=1; DOMAIN = .internal; domain=x; domain", "a=1", "a=1", "a=1"},
		{"a=\"1,2\"; SameSite=Lax; Expires=Tue, 01 Dec 2026 08:00:00 GMT", "a=\"1,2\"; SameSite=Lax; Expires=Tue, 01 Dec 2026 08:00:00 GMT",
			"a=\"1,2\"; SameSite=Lax; Expires=Tue, 01 Dec 2026 08:00:00 GMT", "a=\"1,2\"; SameSite=Lax; Expires=Tue, 01 Dec 2026 08:00:00 GMT"},
		{"__Host-a=1; Secure; Path=/", "__Host-a=1; Secure; Path=/", "__Host-a=1; Secure; Path=/", "__Host-a=1; Secure; Path=/"},
		{"__HOST-a=1; Domain=in; Secure; Path=/", "__HOST-a=1; Secure; Path=/", "__HOST-a=1; Secure; Path=/", "__HOST-a=1; Secure; Path=/"},
		{"__Secure-a=1; Secure; Path=/b; Domain=in", "__Secure-a=1; Secure; Path=/api/x/b", "__Secure-a=1; Secure; Path=/api/b", "__Secure-a=1; Secure; Path=/b"},
	} {
		for strip, want := range map[string]string{"/api/x": tt.stripAll, "/api": tt.stripAPI, "": tt.kept} {
			rt := mustTable(t, route.Config{Path: "/api/x", StripPrefix: strip, Upstreams: up(t)}).Routes()[0]
			if got := acceptableCookies(rt, []string{tt.in}, ownCookies); !slices.Equal(got, []string{want}) {
				t.Errorf("strip %q: %q became %q, want %q", strip, tt.in, got, want)
			}
		}
	}
}

// A browser sends an upstream's session cookie to the row it came from, and to
// no other.
func TestCookiesOfUpstreamsComeBack(t *testing.T) {
	link, got := recorder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "session=1; Domain=orders.internal; Path=/; HttpOnly")
	})
	g := newGate(t, link, func(r *route.Config) { r.ForwardCookies = true })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for _, want := range []string{"", "session=1"} {
		for _, path := range []string{"/api/x", "/api/x/sub"} {
			if want == "" && path != "/api/x" {
				continue
			}
			res, err := client.Get(g.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if c := strings.Join(got().header["Cookie"], "|"); c != want {
				t.Errorf("%s: upstream got %q, want %q", path, c, want)
			}
		}
	}
	elsewhere, _ := url.Parse(g.URL + "/api/y")
	for _, c := range jar.Cookies(elsewhere) {
		if c.Name == "session" {
			t.Error("the cookie is sent to other rows")
		}
	}
}
