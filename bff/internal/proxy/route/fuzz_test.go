package route

import (
	"bufio"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// carelessPath reads a path as the worst upstream might: decoded, backslashes
// as slashes, parameters cut off, dots resolved, no case, normalised.
func carelessPath(t *testing.T, raw string) string {
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		t.Fatalf("a path that cannot be decoded passed: %q", raw)
	}
	segments := strings.Split(strings.ReplaceAll(strings.ToLower(norm.NFKC.String(decoded)), `\`, "/"), "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return path.Clean(strings.Join(segments, "/"))
}

// The path judged is the path for the upstream, byte for byte minus the prefix,
// and no reading of it leads to another row.
func FuzzDecide(f *testing.F) {
	for _, s := range []string{
		"/api/orders", "/api/orders/5", "/api/orders/admin", "/api/orders/%2e%2e/x", "/api/orders/..%2fadmin", "/api/orders/admin;x", "/api%2Forders",
		"/api/orders/a|b[]^`", "/api/orders//x", "/api/auth/x", "/api/orders/%c0%ae", "/api/ORDERS", "/api/orders/..;/x", "/api/orders/;/..;x/", "/api/orders/%5c..",
		"/api/files?x;y=%zz", "/api/files/%25%32%65", "/api/files?", "/api/orders/\u212a", "/api/orders/%EF%BD%81dmin",
		"/api/orders/%E2%80%A5/files", "/api/orders/..%EF%BC%9Bx/files", "/api/%EF%BD%86iles/x", "/api/orders/adm%C4%B1n",
	} {
		f.Add(s)
	}
	table := mustTable(f,
		Config{Path: "/api/orders", Upstreams: up(f), StripPrefix: "/api"},
		Config{Path: "/api/orders/admin", Upstreams: up(f), Roles: []string{"admin"}},
		Config{Path: "/api/files", Upstreams: up(f), Access: Public, StripPrefix: "/api/files"},
	)
	f.Fuzz(func(t *testing.T, target string) {
		in, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")))
		if err != nil {
			return
		}
		raw, err := RawPath(in)
		if err != nil {
			return
		}
		d := table.Decide("GET", raw, ann)
		if d.Outcome != Forward {
			return
		}
		want := strings.TrimPrefix(raw, d.Route().StripPrefix)
		if want == "" {
			want = "/"
		}
		if d.UpstreamPath() != want {
			t.Fatalf("%q was judged, %q is for the upstream", raw, d.UpstreamPath())
		}
		careless := carelessPath(t, raw)
		if !d.Route().Covers(careless) {
			t.Fatalf("%q leaves the row %s: %q", raw, d.Route().Path, careless)
		}
		if other := longestMatch(table.folded, careless, table.longest); other != d.Route() {
			t.Fatalf("%q is judged as %s, and read as %s", raw, d.Route().Path, other.Path)
		}
	})
}
