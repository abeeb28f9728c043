package route

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPrintWritesEveryDefaultOut(t *testing.T) {
	var out bytes.Buffer
	table := mustParse(t, `routes:
  - {path: /api/orders, upstreams: ["http://a:8000/", "https://b"]}
  - {path: /api/x, upstreams: [http://x], strip_prefix: /api, roles: [admin, user], methods: [GET], audience: "true", identity: headers, forward_cookies: true, forward_authorization: true, timeout: 90s, max_body: none, health_path: /up}
`)
	if err := table.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `routes:
  - path: /api/orders
    upstreams: ["http://a:8000", https://b]
    access: member
    methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]
    audience: orders
    identity: jwt
    forward_cookies: false
    forward_authorization: false
    cross_site: refuse
    timeout: 30s
    max_body: 10MiB
  - path: /api/x
    upstreams: [http://x]
    strip_prefix: /api
    access: member
    roles: [admin, user]
    methods: [GET]
    audience: "true"
    identity: headers
    forward_cookies: true
    forward_authorization: true
    cross_site: refuse
    timeout: 1m30s
    max_body: none
    health_path: /up
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	for _, key := range keyNames() {
		if !strings.Contains(out.String(), " "+key+": ") {
			t.Errorf("%s is not printed", key)
		}
	}
	out.Reset()
	if err := mustTable(t).Print(&out); err != nil || out.String() != "routes: []\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// The output of Print can be pasted: it leads to the same table.
func TestPrintedTableIsReadAsTheSame(t *testing.T) {
	schema := routesSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(name, value string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{value}), 0, 1).Draw(t, name)
		}
		row := Config{
			Path:           rapid.StringMatching(`/api/[a-z0-9~_.-]*[a-z0-9~]`).Draw(t, "path"),
			Access:         rapid.SampledFrom([]Access{Member, Optional, Public}).Draw(t, "access"),
			Identity:       rapid.SampledFrom([]IdentityMode{IdentityJWT, IdentityHeaders, IdentityNone}).Draw(t, "identity"),
			Methods:        maybe("methods", "PATCH"),
			Audience:       rapid.StringMatching(`[!-~]{0,12}`).Draw(t, "audience"),
			ForwardCookies: rapid.Bool().Draw(t, "forward_cookies"),
			Timeout:        time.Duration(rapid.Int64Range(0, 1<<50).Draw(t, "timeout")),
			MaxBody:        rapid.OneOf(rapid.Int64Range(NoLimit, 1<<40), rapid.Just[int64](3<<20)).Draw(t, "max_body"),
			HealthPath:     rapid.StringMatching(`(/[!$&'()*+,:=@\[\]{}|a-z~_-]{1,8})?`).Draw(t, "health_path"),
		}
		row.Upstreams = []*url.URL{{Scheme: "http", Host: "up:1"}, {Scheme: "https", Host: "[::1]:8443"}}
		row.ForwardAuthorization = row.Identity != IdentityJWT && rapid.Bool().Draw(t, "forward_authorization")
		row.AllowCrossSite = row.Identity == IdentityNone && row.Access == Public && rapid.Bool().Draw(t, "cross_site")
		if row.Access == Member {
			row.Roles = maybe("roles", "admin")
		}
		table, err := NewTable(row)
		if err != nil {
			t.Skip(err)
		}
		var out bytes.Buffer
		if err := table.Print(&out); err != nil {
			t.Fatal(err)
		}
		if err := underSchema(schema, out.String()); err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		again, err := ParseTable(out.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		if diff := differences(&table.Routes()[0].Config, &again.Routes()[0].Config); len(diff) > 0 {
			t.Fatalf("%v differ in\n%s", diff, &out)
		}
	})
}
