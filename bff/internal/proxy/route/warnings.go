package route

import (
	"fmt"
	"strings"
)

// Warnings lists settings that are allowed and probably mistakes.
func (t *Table) Warnings() []string { return t.sharedAudiences() }

// sharedAudiences finds rows that share a default audience: the token of
// /api/v1/orders is valid at /api/v2/orders and at /api/shop/orders, whose service
// could pass it on.
func (t *Table) sharedAudiences() (warnings []string) {
	paths, byDefault := map[string][]string{}, map[string]bool{}
	for _, rt := range t.all {
		if rt.Identity == IdentityJWT && rt.Access != Public {
			paths[rt.Audience] = append(paths[rt.Audience], rt.Path)
			byDefault[rt.Audience] = byDefault[rt.Audience] || rt.audienceByDefault
		}
	}
	for _, rt := range t.all { // in the order of the file
		if sharing := paths[rt.Audience]; len(sharing) > 1 && byDefault[rt.Audience] && sharing[0] == rt.Path {
			warnings = append(warnings, fmt.Sprintf("the rows %s share the audience %q, by default: an identity token for one is valid at the others; write `audience` into each of them",
				strings.Join(sharing, ", "), rt.Audience))
		}
	}
	return warnings
}
