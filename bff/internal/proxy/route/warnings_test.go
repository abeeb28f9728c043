package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWarningsOfSharedDefaultAudiences(t *testing.T) {
	const shared = "the rows /api/v1/orders, /api/v2/orders share the audience \"orders\", by default: an identity token for one is valid at the others; write `audience` into each of them"
	for name, tt := range map[string]struct {
		first, second string
		want          []string
	}{
		"both by default":     {"", "", []string{shared}},
		"one written out":     {"audience: orders", "", []string{shared}},
		"both written out":    {"audience: orders", "audience: orders", nil},
		"one another":         {"audience: old-orders", "", nil},
		"one without a token": {"identity: headers", "", nil},
		"one is public":       {"", "access: public", nil},
	} {
		table := mustParse(t, "routes:\n"+
			"  - path: /api/users\n    upstreams: [http://u]\n"+
			"  - path: /api/v1/orders\n    upstreams: [http://a]\n    "+tt.first+"\n"+
			"  - path: /api/v2/orders\n    upstreams: [http://b]\n    "+tt.second+"\n")
		if diff := cmp.Diff(tt.want, table.Warnings()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
