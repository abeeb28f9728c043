package journey

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// What docs/backends.md promises, asked of the product.

func TestPrintedRoutesAreGood(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(file, []byte(printed(t, "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(func(name string) string { return map[string]string{"ROUTES_FILE": file}[name] })
	if err != nil {
		t.Fatal(err)
	}
	table, err := app.Routes(c)
	if err != nil || len(table.Routes()) != 1 {
		t.Errorf("%v, %v", table, err)
	}
}

func TestHeadersThatArriveAtABackend(t *testing.T) {
	url, last := site.ForgingUpstream(t)
	row := func(path, more string) string {
		return "path: /api/" + path + "\nupstreams: [" + url + "]\nstrip_prefix: /api\n" + more
	}
	s := site.Embedded(t)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, row("jwt", ""), row("headers", "identity: headers"), row("none", "identity: none"),
		row("public", "access: public"), row("optional", "access: optional"), row("cookies", "identity: none\nforward_cookies: true")).Name
	s.Start()
	member := s.Member("ada@example.com")
	id := member.Do("GET", "/api/auth/me", nil).JSON(t)["user"].(site.Object)["id"].(string)
	const bearer = "Bearer …"
	for _, c := range []struct {
		path string
		who  *site.Browser
		want site.Object // beyond what always arrives
	}{
		{"jwt/5", member, site.Object{"Authorization": bearer}},
		{"headers", member, site.Object{"X-User-Id": id, "X-User-Email": "ada@example.com", "X-User-Role": "user"}},
		{"none", member, site.Object{}},
		{"public", member, site.Object{}},
		{"optional", member, site.Object{"Authorization": bearer}},
		{"optional", s.Browser(), site.Object{}},
		{"cookies", member, site.Object{"Cookie": "theme=light"}},
	} {
		a := c.who.Do("GET", "/api/"+c.path+"?x=1", nil, "Authorization", "Bearer forged", "X-User-Id", "forged", "X_User_Id", "forged", "x.user.id", "forged",
			"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Host", "forged", "X-Forwarded-Prefix", "forged", "Forwarded", "for=1.2.3.4", "X-Real-Ip", "1.2.3.4",
			"X-Original-Url", "/forged", "Proxy-Authorization", "Basic Zm9yZ2Vk", "Connection", "X-Request-Id, X-User-Id", "Cookie", "theme=light",
			"X-Request-Id", "request-1234", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r := last()
		if r.RequestURI != "/"+c.path+"?x=1" || r.Host != strings.TrimPrefix(url, "http://") {
			t.Errorf("%s: arrived as %s at %s", c.path, r.RequestURI, r.Host)
		}
		want := site.Object{
			"Accept-Encoding": "gzip", "User-Agent": "Go-http-client/1.1", "X-Request-Id": "request-1234",
			"Traceparent":     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": strings.TrimPrefix(s.Env["PUBLIC_URL"], "http://"),
			"X-Forwarded-Prefix": "/api",
		}
		for name, value := range c.want {
			want[name] = value
		}
		got := site.Object{}
		for name, values := range r.Header {
			got[name] = strings.Join(values, " | ")
			if name == "Authorization" && strings.HasPrefix(values[0], "Bearer ey") {
				got[name] = bearer
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", c.path, diff)
		}
		answered(t, c.path, a)
	}
}

// answered checks what comes back of an answer that claims everything.
func answered(t *testing.T, path string, a site.Answer) {
	t.Helper()
	for name, values := range a.Header {
		if slices.Contains(values, "forged") {
			t.Errorf("%s: %s comes from the backend", path, name)
		}
	}
	if c := a.SetCookies(); c["access_token"] || c["theme"] != (path == "cookies") {
		t.Errorf("%s: cookies %v", path, c)
	}
	cache := "private, no-cache"
	if path == "public" {
		cache = ""
	}
	for name, want := range map[string]string{
		"Www-Authenticate": "", "Location": "/api/elsewhere?x=1", "X-Kept": "yes", "Content-Type": "text/plain", "Cache-Control": cache,
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", path, name, got, want)
		}
	}
}

// The statuses that the proxy answers by itself. Three of them name the row.
func TestStatusesThatTheProxyAnswersItself(t *testing.T) {
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(func() { close(hang); slow.Close() })
	row := func(path, upstream, more string) string {
		return "path: /api/" + path + "\nupstreams: [" + upstream + "]\naccess: public\n" + more
	}
	s := site.Embedded(t)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, row("dead", "http://"+site.FreeAddr(t), ""), row("slow", slow.URL, "timeout: 50ms"),
		row("small", slow.URL, "max_body: 4B"), row("get", slow.URL, "methods: [GET]"),
		"path: /api/member\nupstreams: ["+slow.URL+"]", "path: /api/admins\nupstreams: ["+slow.URL+"]\nroles: [admin]").Name
	s.Start()
	b := s.Member("ada@example.com")
	for _, c := range []struct {
		who          *site.Browser
		method, path string
		status       int
		code, route  string
		header       []string
	}{
		{b, "GET", "/api/dead", 502, "upstream_unreachable", "/api/dead", nil},
		{b, "GET", "/api/slow", 504, "upstream_timeout", "/api/slow", nil},
		{b, "POST", "/api/small", 413, "body_too_large", "/api/small", nil},
		{b, "POST", "/api/get", 405, "method_not_allowed", "", nil},
		{b, "GET", "/api/admins", 403, "forbidden", "", nil},
		{b, "GET", "/api/get", 403, "cross_site_request", "", []string{"Sec-Fetch-Site", "cross-site"}},
		{b, "GET", "/api/get", 400, "bad_upgrade", "/api/get", []string{"Connection", "Upgrade", "Upgrade", "h2c"}},
		{b, "GET", "/api/get/%61", 400, "bad_path", "", nil},
		{b, "GET", "/api/nowhere", 404, "not_found", "", nil},
		{s.Browser(), "GET", "/api/member", 401, "not_authenticated", "", nil},
	} {
		var body any
		if c.method == "POST" {
			body = site.Object{"more": "than four bytes"}
		}
		a := c.who.Do(c.method, c.path, body, c.header...).Want(t, c.status, c.code)
		detail, _ := a.JSON(t)["detail"].(string)
		if c.route != "" && !strings.HasPrefix(detail, c.route+": ") || strings.Contains(a.Text, "127.0.0.1") {
			t.Errorf("%s %s: %s", c.method, c.path, a.Text)
		}
		if c.status == 405 && a.Header.Get("Allow") != "GET" {
			t.Errorf("Allow: %q", a.Header.Get("Allow"))
		}
	}
}

// Rows whose tokens are good at each other by accident are in the log.
func TestSharedAudiencesAreLogged(t *testing.T) {
	s := site.Embedded(t)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, "path: /api/v1/orders\nupstreams: [http://a]", "path: /api/v2/orders\nupstreams: [http://b]").Name
	s.Start()
	if logs := s.Logs.String(); !strings.Contains(logs, "the rows /api/v1/orders, /api/v2/orders share the audience") || !strings.Contains(logs, `"level":"WARN"`) {
		t.Errorf("no warning in\n%s", logs)
	}
}
