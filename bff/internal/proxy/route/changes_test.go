package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t testing.TB, text string) *Table {
	t.Helper()
	table, err := ParseTable([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestChangesSince(t *testing.T) {
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
	if diff := cmp.Diff(want, next.ChangesSince(old)); diff != "" {
		t.Error(diff)
	}
	if got := want.Changed[0].String(); got != "/api/tighter (upstreams, access, roles)" {
		t.Error(got)
	}
	if diff := cmp.Diff(Changes{}, mustParse(t, "routes: []").ChangesSince(mustTable(t))); diff != "" {
		t.Error(diff)
	}
}

// Every key of the file counts as a difference, one at a time.
func TestChangesSinceSeesEachKey(t *testing.T) {
	other := map[string]string{
		"upstreams": "[http://b]", "strip_prefix": "/api", "access": "optional", "roles": "[admin]", "methods": "[GET]", "audience": "y",
		"identity": "none", "forward_cookies": "true", "timeout": "7s", "max_body": "none", "health_path": "/up",
		"forward_authorization": "true", "cross_site": "allow",
	}
	// Other keys that a key needs, in the old file and the new.
	beside := map[string]string{"forward_authorization": "    identity: none\n", "cross_site": "    identity: none\n    access: public\n"}
	base := "routes:\n  - path: /api/x\n"
	for _, key := range keyNames() {
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
		if diff := cmp.Diff(want, next.ChangesSince(mustParse(t, base+"    upstreams: [http://a]\n"))); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}
