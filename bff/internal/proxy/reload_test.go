package proxy

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustParse(t testing.TB, text string) *Table {
	t.Helper()
	table, err := ParseTable([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestSucceedSaysWhatIsDifferent(t *testing.T) {
	old := mustParse(t, `routes:
  - {path: /api/same, upstreams: [http://same]}
  - {path: /api/gone, upstreams: [http://gone]}
  - {path: /api/tighter, upstreams: [http://tighter], access: public}
  - {path: /api/default, upstreams: [http://default]}
`)
	next := mustParse(t, `routes:
  - {path: /api/tighter, upstreams: [http://tighter, http://other], roles: [admin]}
  - {path: /api/new, upstreams: [http://new]}
  - {path: /api/default, upstreams: [http://default], timeout: 30s, max_body: 10MiB, audience: default, methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]}
  - {path: /api/same, upstreams: [http://same]}
`)
	want := Changes{
		Added: []Change{{Path: "/api/new"}}, Removed: []Change{{Path: "/api/gone"}},
		Changed: []Change{{"/api/tighter", []string{"upstreams", "access", "roles"}}},
	}
	if diff := cmp.Diff(want, next.Succeed(old)); diff != "" {
		t.Error(diff)
	}
	if got := want.Changed[0].String(); got != "/api/tighter (upstreams, access, roles)" {
		t.Error(got)
	}
	if diff := cmp.Diff(Changes{}, mustParse(t, "routes: []").Succeed(mustTable(t))); diff != "" {
		t.Error(diff)
	}
}

// Every key of the file counts as a difference, one at a time.
func TestSucceedSeesEachKey(t *testing.T) {
	other := map[string]string{
		"upstreams": "[http://b]", "strip_prefix": "/api", "access": "optional", "roles": "[admin]", "methods": "[GET]", "audience": "y",
		"identity": "none", "forward_cookies": "true", "timeout": "7s", "max_body": "none", "health_path": "/up",
		"forward_authorization": "true", "cross_site": "allow",
	}
	// What a key needs beside it, in the old file and the new.
	beside := map[string]string{"forward_authorization": "    identity: none\n", "cross_site": "    identity: none\n    access: public\n"}
	base := "routes:\n  - path: /api/x\n"
	for _, key := range rowKeys {
		if key == "path" {
			continue // a row of another path is another row
		}
		base := base + beside[key]
		text := base
		if key != "upstreams" {
			text += "    upstreams: [http://a]\n"
		}
		next := mustParse(t, text+"    "+key+": "+other[key]+"\n")
		want := Changes{Changed: []Change{{"/api/x", []string{key}}}}
		if diff := cmp.Diff(want, next.Succeed(mustParse(t, base+"    upstreams: [http://a]\n"))); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func TestSucceedKeepsWhatIsKnownOfUpstreamsThatStay(t *testing.T) {
	old := mustParse(t, "routes:\n  - {path: /api/x, upstreams: [http://a, http://b, http://c], health_path: /up}\n")
	for _, u := range old.all[0].upstreams {
		u.downUntil.Store(1 << 62)
	}
	for name, c := range map[string]struct {
		row  string
		down []bool
	}{
		"another order, one new": {"{path: /api/x, upstreams: [http://b, http://d, http://a], health_path: /up}", []bool{true, false, true}},
		"another health path":    {"{path: /api/x, upstreams: [http://a, http://b], health_path: /ready}", []bool{false, false}},
		"another scheme":         {"{path: /api/x, upstreams: [https://a, http://b], health_path: /up}", []bool{false, true}},
		"another row":            {"{path: /api/y, upstreams: [http://a, http://b], health_path: /up}", []bool{false, false}},
	} {
		next := mustParse(t, "routes:\n  - "+c.row+"\n")
		next.Succeed(old)
		var down []bool
		for _, u := range next.all[0].upstreams {
			down = append(down, u.downUntil.Load() > 0)
		}
		if !slices.Equal(down, c.down) {
			t.Errorf("%s: cooling down %v, want %v", name, down, c.down)
		}
	}
}

// What was chosen from the old table goes on with it: the row cannot change
// under a request.
func TestADecisionOutlivesItsTable(t *testing.T) {
	g := newGate(t, upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("old row")) }), nil)
	old, next := g.table.Load(), mustTable(t)
	d := old.Decide("GET", "/api/x", ann)
	if c := next.Succeed(old); len(c.Removed) != 1 {
		t.Errorf("%+v", c)
	}
	g.proxy.Retire(old, next)
	w := httptest.NewRecorder()
	g.proxy.Forward(w, httptest.NewRequest("GET", "/api/x", nil), d, *ann, nil)
	if w.Code != 200 || w.Body.String() != "old row" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRetireClosesIdleConnectionsToWhatIsGone(t *testing.T) {
	closed := make(chan struct{}, 8)
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	up.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	up.Start()
	defer up.Close()
	g := newGate(t, up.URL, nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	same := mustTable(t, Row{Path: "/api/elsewhere", Upstreams: g.table.Load().Rows()[0].Upstreams})
	g.proxy.Retire(g.table.Load(), same)
	select {
	case <-closed:
		t.Error("closed, though the upstream stays")
	default:
	}
	g.proxy.Retire(same, mustTable(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the connection to an upstream that is gone stays open")
	}
}

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
	for _, key := range rowKeys {
		if !strings.Contains(out.String(), " "+key+": ") {
			t.Errorf("%s is not printed", key)
		}
	}
	out.Reset()
	if err := mustTable(t).Print(&out); err != nil || out.String() != "routes: []\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// What is printed can be pasted: it leads to the same table.
func TestPrintedTableIsReadAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maybe := func(name, value string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{value}), 0, 1).Draw(t, name)
		}
		row := Row{
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
		again, err := ParseTable(out.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, &out)
		}
		if diff := differences(textOf(table.Rows()[0]), textOf(again.Rows()[0])); len(diff) > 0 {
			t.Fatalf("%v differ in\n%s", diff, &out)
		}
	})
}
