package route

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustTable(t testing.TB, rows ...Config) *Table {
	t.Helper()
	table, err := NewTable(rows...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func up(t testing.TB) []*url.URL { return []*url.URL{mustURL(t, "http://up:1")} }

var (
	ann  = &Identity{UserID: "7", SessionID: "s7", Email: "ann@example.org", Role: "user"}
	root = &Identity{UserID: "1", SessionID: "s1", Email: "root@example.org", Role: "admin"}
)

func TestDecide(t *testing.T) {
	table := mustTable(t,
		Config{Path: "/api/orders", Upstreams: up(t), StripPrefix: "/api"},
		Config{Path: "/api/orders/admin", Upstreams: up(t), Roles: []string{"admin"}},
		Config{Path: "/api/both", Upstreams: up(t), Roles: []string{"admin", "user"}, Methods: []string{"GET", "POST"}},
		Config{Path: "/api/open", Upstreams: up(t), Access: Public, StripPrefix: "/api/open"},
		Config{Path: "/api/maybe", Upstreams: up(t), Access: Optional},
	)
	for _, tt := range []struct {
		method, path string
		who          *Identity
		want         Outcome
		sent         string
	}{
		{"GET", "/api/orders", ann, Forward, "/orders"},
		{"GET", "/api/orders/", ann, Forward, "/orders/"},
		{"GET", "/api/orders/5%2F6;v=1", ann, Forward, "/orders/5%2F6;v=1"},
		{"GET", "/api/orders/Admins", ann, Forward, "/orders/Admins"},
		{"GET", "/api/orders", nil, NeedsSession, "/orders"},
		{"GET", "/api/orders", &Identity{}, NeedsSession, "/orders"},
		{"GET", "/api/orders", root, Forward, "/orders"},
		{"GET", "/api/orders/admin/x", root, Forward, "/api/orders/admin/x"},
		{"GET", "/api/orders/admin/x", ann, Forbidden, "/api/orders/admin/x"},
		{"GET", "/api/orders/admin", nil, NeedsSession, "/api/orders/admin"},
		{"GET", "/api/both", ann, Forward, "/api/both"},
		{"GET", "/api/both", &Identity{UserID: "9", Role: "other"}, Forbidden, "/api/both"},
		{"HEAD", "/api/both", ann, MethodNotAllowed, ""},
		{"DELETE", "/api/both", nil, MethodNotAllowed, ""},
		{"TRACE", "/api/orders", ann, MethodNotAllowed, ""},
		{"CONNECT", "/api/orders", ann, MethodNotAllowed, ""},
		{"get", "/api/orders", ann, MethodNotAllowed, ""},
		{"", "/api/orders", ann, MethodNotAllowed, ""},
		{"GET", "/api/open", nil, Forward, "/"},
		{"GET", "/api/open/", nil, Forward, "/"},
		{"GET", "/api/maybe", nil, Forward, "/api/maybe"},
		{"GET", "/api/maybe", ann, Forward, "/api/maybe"},

		// Default deny, on segment borders.
		{"GET", "/api", ann, NotFound, ""},
		{"GET", "/api/", ann, NotFound, ""},
		{"GET", "/api/ordersx", ann, NotFound, ""},
		{"GET", "/api/order", ann, NotFound, ""},
		{"GET", "/orders", ann, NotFound, ""},
		{"GET", "/API/ORDERS", ann, NotFound, ""},
		{"GET", "/api/auth/me", ann, NotFound, ""},
		{"GET", "/api/admin/users", root, NotFound, ""},

		// What a careless upstream would take for another row.
		{"GET", "/api%2Forders", ann, BadPath, ""},
		{"GET", "/api/orders%2Fadmin", ann, BadPath, ""},
		{"GET", "/api/orders/admin%2Fx", ann, BadPath, ""},
		{"GET", "/api/orders/%2Fadmin", ann, BadPath, ""},
		{"GET", "/api/orders/admin;x", ann, BadPath, ""},
		{"GET", "/api/orders/admin%3Bx/y", ann, BadPath, ""},
		{"GET", "/api/orders;x/admin", ann, BadPath, ""},
		{"GET", "/api;x/orders", ann, BadPath, ""},
		{"GET", "/api/orders/ADMIN", ann, BadPath, ""},
		{"GET", "/api%2fadmin/users", root, BadPath, ""},
		{"GET", "/api/orders/%EF%BD%81dmin/x", ann, BadPath, ""}, // full-width a
		{"GET", "/api/orders/%EF%BC%A1DMIN", ann, BadPath, ""},
		{"GET", "/api/orders/adm%E2%81%B1n", ann, BadPath, ""}, // superscript i
		{"GET", "/api/orders/admin%EF%BC%9Bx", ann, BadPath, ""},
		{"GET", "/api/orders/admin%CD%BEx/y", ann, BadPath, ""},
		{"GET", "/api/orders/%EF%BD%82dmin", ann, Forward, "/orders/%EF%BD%82dmin"},
		{"GET", "/api/%EF%BD%8Frders", ann, BadPath, ""},
		{"GET", "/api/orders/%C3%A4dmin", ann, Forward, "/orders/%C3%A4dmin"},
		{"GET", "/api/orders/../admin", root, BadPath, ""},
		{"GET", "/api/%61dmin/users", root, BadPath, ""},
	} {
		d := table.Decide(tt.method, tt.path, tt.who)
		if d.Outcome != tt.want || d.UpstreamPath() != tt.sent {
			t.Errorf("Decide(%s %s, %v) = %v %q, want %v %q (%v)", tt.method, tt.path, tt.who, d.Outcome, d.UpstreamPath(), tt.want, tt.sent, d.Reason)
		}
		if (d.Reason != nil) != (d.Outcome == BadPath) {
			t.Errorf("Decide(%s %s): reason %v with outcome %v", tt.method, tt.path, d.Reason, d.Outcome)
		}
	}
	if d := table.Decide("PUT", "/api/both", ann); d.Allow != "GET, POST" {
		t.Errorf("Allow = %q", d.Allow)
	}
	if d := table.Decide("GET", "/api/orders", nil).As(ann); d.Outcome != Forward {
		t.Errorf("As(ann) = %v, want Forward", d.Outcome)
	}
	if d := table.Decide("PUT", "/api/both", nil).As(ann); d.Outcome != MethodNotAllowed {
		t.Errorf("As after 405 = %v", d.Outcome)
	}
}

func TestCatchAllRowLeavesReservedPathsAlone(t *testing.T) {
	table := mustTable(t, Config{Path: "/api", Upstreams: up(t)})
	for path, want := range map[string]Outcome{
		"/api": Forward, "/api/x": Forward, "/api/authors": Forward,
		"/api/auth": NotFound, "/api/auth/x": NotFound, "/api/admin/users": NotFound, "/api/openapi.yaml": NotFound,
		"/api/auth%2Flogin": BadPath, "/api/AUTH/login": BadPath, "/api/auth;x/login": BadPath,
	} {
		if d := table.Decide("GET", path, ann); d.Outcome != want {
			t.Errorf("%s: %v, want %v", path, d.Outcome, want)
		}
	}
}

func TestNewTableDefaults(t *testing.T) {
	row := mustTable(t, Config{Path: "/api/orders", Upstreams: up(t)}).Routes()[0]
	if row.Access != Member || row.Identity != IdentityJWT || row.Audience != "orders" || row.Timeout != 30*time.Second || row.MaxBody != 10<<20 || len(row.Methods) != 7 {
		t.Errorf("defaults: %+v", row)
	}
}

func TestNewTableRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		row  Config
		want string
	}{
		{"no path", Config{}, "path: missing"},
		{"outside /api", Config{Path: "/orders"}, `must be /api or below it, such as /api/orders`},
		{"lookalike", Config{Path: "/apix"}, "must be /api or below it"},
		{"slash at the end", Config{Path: "/api/x/"}, `write "/api/x"`},
		{"empty segment", Config{Path: "/api//x"}, "empty segment"},
		{"dots", Config{Path: "/api/../x"}, "dot segment"},
		{"wildcard", Config{Path: "/api/*"}, "wildcards are not needed"},
		{"encoded", Config{Path: "/api/%61"}, "letters, digits"},
		{"reserved", Config{Path: "/api/auth"}, "reserved"},
		{"below reserved", Config{Path: "/api/admin/x"}, "reserved"},
		{"reserved in capitals", Config{Path: "/api/Auth"}, "reserved"},
		{"too long", Config{Path: "/api/" + strings.Repeat("x", 200)}, "longer than"},
		{"no upstream", Config{Path: "/api/x"}, "upstreams: missing"},
		{"strip not a prefix", Config{Path: "/api/x", StripPrefix: "/x"}, "is not a prefix"},
		{"strip inside a segment", Config{Path: "/api/xy", StripPrefix: "/api/x"}, "segment border"},
		{"upstream with path", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://a/b")}}, "without path"},
		{"upstream with query", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://a?b")}}, "without path or query"},
		{"upstream without scheme", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "a:80")}}, "not an origin"},
		{"upstream ftp", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "ftp://a")}}, "not an origin"},
		{"upstream with password", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://a:secret@b")}}, "credentials"},
		{"upstream twice", Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://a"), mustURL(t, "http://A:80/")}}, "twice"},
		{"unknown role", Config{Path: "/api/x", Roles: []string{"amdin"}}, `unknown role "amdin"; roles are user, admin`},
		{"roles on public", Config{Path: "/api/x", Access: Public, Roles: []string{"admin"}}, "need `access: member`"},
		{"method", Config{Path: "/api/x", Methods: []string{"TRACE"}}, `"TRACE" cannot be forwarded`},
		{"method lower", Config{Path: "/api/x", Methods: []string{"get"}}, `"get" cannot be forwarded`},
		{"timeout", Config{Path: "/api/x", Timeout: -1}, "timeout"},
		{"max_body", Config{Path: "/api/x", MaxBody: -2}, "max_body"},
		{"health", Config{Path: "/api/x", HealthPath: "x"}, "health_path"},
		{"audience", Config{Path: "/api/x", Audience: "a b"}, "audience"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewTable(tt.row)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the message shows a password: %v", err)
			}
		})
	}
	_, err := NewTable(Config{Path: "/api/x", Upstreams: up(t)}, Config{Path: "/api/X", Upstreams: up(t)}, Config{Path: "/x"})
	if err == nil || !strings.Contains(err.Error(), "route 2 (/api/X): path: ") || !strings.Contains(err.Error(), "route 3 (/x): upstreams") {
		t.Errorf("not every mistake at once: %v", err)
	}
}

func TestRowsOverH2C(t *testing.T) {
	for upstreams, wrong := range map[string]string{
		"h2c://a:1":                "",
		"h2c://a http://b":         "",
		"h2c://a http://A:80/":     "twice",
		"h2c://a/path":             "without path",
		"h2c://user:pw@a":          "credentials",
		"h2://a":                   "not an origin",
		"h2c:a":                    "not an origin",
		"h2c://a:1 https://a:1":    "",
		"h2c://a:1 H2C://a:1":      "twice",
		"http://a:80 https://a:80": "",
	} {
		row := Config{Path: "/api/x"}
		for u := range strings.FieldsSeq(upstreams) {
			row.Upstreams = append(row.Upstreams, mustURL(t, u))
		}
		if _, err := NewTable(row); (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", upstreams, err, wrong)
		}
	}
}
