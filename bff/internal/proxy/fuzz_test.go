package proxy

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

// The path judged is the path the upstream receives, byte for byte minus the
// prefix. Package route's FuzzDecide has the paths that reach it.
func FuzzSentPath(f *testing.F) {
	for _, s := range []string{
		"/api/orders", "/api/orders/5", "/api/orders/admin", "/api/orders/%2e%2e/x", "/api/orders/..%2fadmin", "/api/orders/admin;x", "/api%2Forders",
		"/api/orders/a|b[]^`", "/api/orders//x", "/api/auth/x", "/api/orders/%c0%ae", "/api/ORDERS", "/api/orders/..;/x", "/api/orders/;/..;x/", "/api/orders/%5c..",
		"/api/files?x;y=%zz", "/api/files/%25%32%65", "/api/files?", "/api/orders/\u212a", "/api/orders/%EF%BD%81dmin",
		"/api/orders/%E2%80%A5/files", "/api/orders/..%EF%BC%9Bx/files", "/api/%EF%BD%86iles/x", "/api/orders/adm%C4%B1n",
	} {
		f.Add(s)
	}
	table := mustTable(f,
		route.Config{Path: "/api/orders", Upstreams: up(f), StripPrefix: "/api"},
		route.Config{Path: "/api/orders/admin", Upstreams: up(f), Roles: []string{"admin"}},
		route.Config{Path: "/api/files", Upstreams: up(f), Access: route.Public, StripPrefix: "/api/files"},
	)
	p := New(Options{PublicURL: mustURL(f, "https://gate.example")})
	f.Fuzz(func(t *testing.T, target string) {
		in, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")))
		if err != nil {
			return
		}
		raw, err := route.RawPath(in)
		if err != nil {
			return
		}
		d := table.Decide("GET", raw, ann)
		if d.Outcome != route.Forward {
			return
		}
		ex := &exchange{proxy: p, in: in, Request: upstream.Request{Route: d.Route()}, path: d.UpstreamPath()}
		ex.Attach(t.Context())
		out := ex.outgoing()
		out.URL.Scheme, out.URL.Host = "http", "up"
		var wire bytes.Buffer
		if err := out.Write(&wire); err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(wire.String(), "\r\n")
		sent, ok := strings.CutPrefix(strings.TrimSuffix(line, " HTTP/1.1"), "GET ")
		want := strings.TrimPrefix(target, d.Route().StripPrefix)
		if want == "" || want[0] == '?' {
			want = "/" + want
		}
		if !ok || sent != want {
			t.Fatalf("%q was judged, %q is sent", target, sent)
		}
	})
}
