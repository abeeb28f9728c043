package deploy

import (
	"regexp"
	"slices"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
)

// The table of reference.md is the promise; the routes are the fact.
func TestReferenceListsEveryEndpoint(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| ([a-z ]+) \\| .+ \\|$")
	var documented, routes []string
	for _, m := range row.FindAllStringSubmatch(read(t, "bff/docs/reference.md"), -1) {
		who := m[2]
		if who == "refresh cookie" { // which the handler itself asks for
			who = "anyone"
		}
		documented = append(documented, m[1]+" "+who)
	}
	for _, e := range app.Endpoints() {
		routes = append(routes, e.Method+" "+e.Path+" "+e.Who)
	}
	if !slices.Equal(documented, routes) {
		t.Errorf("reference.md has rows for\n%q\nthe program has\n%q", documented, routes)
	}
}
