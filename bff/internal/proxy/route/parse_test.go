package route

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseTable(t *testing.T) {
	table, err := ParseTable([]byte(`
# every key
routes:
  - path: /api/orders
    upstreams: [http://orders-1:8000, "https://orders-2"]
    strip_prefix: /api
    access: member
    roles: [admin]
    methods: [GET, POST]
    audience: shop
    identity: headers
    forward_cookies: true
    forward_authorization: true
    cross_site: refuse
    timeout: 1m30s
    max_body: 2MiB
    health_path: /healthz
  - path: /api/files
    upstreams:
      - http://files:8000
    access: public
    identity: none
    cross_site: allow
    max_body: none
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Config{{
		Path: "/api/orders", Upstreams: nil, StripPrefix: "/api", Access: Member, Roles: []string{"admin"}, Methods: []string{"GET", "POST"},
		Audience: "shop", Identity: IdentityHeaders, ForwardCookies: true, ForwardAuthorization: true, Timeout: 90 * time.Second, MaxBody: 2 << 20, HealthPath: "/healthz",
	}, {
		Path: "/api/files", Access: Public, Identity: IdentityNone, AllowCrossSite: true, Methods: Methods, Audience: "files", Timeout: 30 * time.Second, MaxBody: NoLimit,
	}}
	var rows []Config
	for _, rt := range table.Routes() {
		rows = append(rows, rt.Config)
	}
	if got := rows[0].Upstreams[1].String(); got != "https://orders-2" || len(rows[0].Upstreams) != 2 {
		t.Errorf("upstreams: %v", rows[0].Upstreams)
	}
	for i := range rows {
		rows[i].Upstreams = nil
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if _, err := ParseTable([]byte("routes: []\n")); err != nil {
		t.Errorf("an empty list: %v", err)
	}
	braces, err := ParseTable([]byte("routes:\n  - {path: /api/x, upstreams: [http://a:80, https://b:443/], timeout: 5s}\n"))
	if err != nil || len(braces.Routes()[0].Upstreams) != 2 || braces.Routes()[0].Upstreams[1].String() != "https://b:443/" {
		t.Errorf("in braces: %v", err)
	}
}

// All mistakes are reported at once, each with its line.
func TestParseTableReportsEveryMistake(t *testing.T) {
	_, err := ParseTable([]byte(`routes:
  - path: /api/a
    upstream: [http://a]
    role: [admin]
  - path: /api/b
    upstreams: http://b
    access: members
    timeout: 30
    max_body: 10 parsecs
    forward_cookies: yes
  - path: /api/auth/x
    upstreams: [http://c, "http://d/%zz"]
  - path: /api/a
    upstreams: [http://e]
    roles: []
    methods:
    identity: jwt
    identity: none
  - just text
extra: 1
`))
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		`line 2: upstreams: missing`,
		`line 3: unknown key "upstream"`,
		`line 4: unknown key "role"`,
		"line 6: upstreams: must be a list",
		`line 7: access: "members" is not one of member, optional, public`,
		`line 8: timeout: "30" is not a positive duration`,
		`line 9: max_body: "10 parsecs" is not a size`,
		`line 10: forward_cookies: "yes" is not one of true, false`,
		`line 11: path: "/api/auth/x" is reserved`,
		`line 12: upstreams: not a URL`,
		`line 13: path: "/api/a" twice`,
		`line 15: roles: empty list`,
		`line 16: methods: must be a list`,
		`line 18: key "identity" twice`,
		`line 19: a route must be a mapping`,
		`line 20: unknown key "extra"`,
	}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case i >= len(want):
			t.Errorf("too much: %s", got[i])
		case !strings.HasPrefix(got[i], want[i]):
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
}

// A rule about two keys is not reported while the other key cannot be read.
func TestParseTableReportsEveryMistakeOfKeysThatNeedOthers(t *testing.T) {
	_, err := ParseTable([]byte(`routes:
  - path: /api/a
    upstreams: [http://a]
    forward_authorization: true
    cross_site: allow
    roles: [boss]
  - path: /api/b
    upstreams: [http://b]
    access: public
    identity: headers
    forward_authorization: true
    cross_site: allow
  - path: /api/c
    upstreams: [http://c]
    identity: none
    cross_site: allow
  - path: /api/d
    upstreams: [http://d]
    access: publik
    identity: nobody
    forward_authorization: true
    cross_site: allow
    roles: [admin]
  - path: /api/e
    upstreams: [http://e]
    forward_authorization: 1
    cross_site: true
`))
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		"line 4: forward_authorization: the identity token takes the place of the client's Authorization; add `identity: none` or `identity: headers`",
		"line 5: cross_site: other sites may call public routes only, without an identity; add `access: public` and `identity: none`",
		`line 6: roles: unknown role "boss"; roles are user, admin`,
		"line 12: cross_site: other sites may call public routes only, without an identity; add `access: public` and `identity: none`",
		"line 16: cross_site: other sites may call public routes only, without an identity; add `access: public` and `identity: none`",
		`line 19: access: "publik" is not one of member, optional, public`,
		`line 20: identity: "nobody" is not one of jwt, headers, none`,
		`line 26: forward_authorization: "1" is not one of true, false`,
		`line 27: cross_site: "true" is not one of refuse, allow`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestParseTableRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"nothing":           "",
		"no routes":         "other: 1",
		"null":              "routes:",
		"routes text":       "routes: x",
		"list":              "- a",
		"syntax":            "routes: [",
		"tab":               "routes:\n\t- path: /api/x",
		"two documents":     "routes: []\n---\nroutes: []\n",
		"anchor":            "routes:\n  - path: &a /api/x\n    upstreams: [http://a]\n",
		"alias":             "routes:\n  - path: &a /api/x\n    upstreams: [http://a]\n  - path: *a\n    upstreams: [http://a]\n",
		"merge key":         "routes:\n  - &r\n    path: /api/x\n    upstreams: [http://a]\n  - <<: *r\n",
		"size overflow":     "routes:\n  - path: /api/x\n    upstreams: [http://a]\n    max_body: 9999999999GiB\n",
		"zero size":         "routes:\n  - path: /api/x\n    upstreams: [http://a]\n    max_body: 0\n",
		"negative size":     "routes:\n  - path: /api/x\n    upstreams: [http://a]\n    max_body: -1\n",
		"zero timeout":      "routes:\n  - path: /api/x\n    upstreams: [http://a]\n    timeout: 0s\n",
		"mapping in braces": "routes:\n  - {path: /api/x, upstreams: [http: //a]}\n",
		"nested mapping":    "routes:\n  - path: {a: b}\n    upstreams: [http://a]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseTable([]byte(src)); err == nil {
				t.Error("accepted")
			} else {
				t.Log(err)
			}
		})
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add([]byte("routes:\n  - path: /api/x\n    upstreams: [http://a]\n"))
	f.Add([]byte("routes: {a: *b}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if table, err := ParseTable(src); err == nil {
			for _, r := range table.Routes() {
				if !within(r.Path, "/api") || len(r.Upstreams) == 0 {
					t.Errorf("%+v", r)
				}
			}
		}
	})
}

func TestRoutesFileWithAByteOrderMark(t *testing.T) {
	text := "routes:\r\n  - path: /api/orders\r\n    upstreams: [http://orders:8000]\r\n"
	if table, err := ParseTable([]byte("\ufeff" + text)); err != nil || len(table.Routes()) != 1 {
		t.Errorf("%v", err)
	}
	if _, err := ParseTable([]byte("\xff\xfer\x00o\x00u\x00")); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}
