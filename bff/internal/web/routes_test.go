package web

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

func TestProxyReservesThePathsOfOurEndpointsAndNoOther(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, e := range Endpoints() {
		at := slices.IndexFunc(route.Reserved, func(own string) bool { return e.Path == own || strings.HasPrefix(e.Path, own+"/") })
		switch {
		case at >= 0:
			used[route.Reserved[at]] = true
		case underAPI(e.Path):
			t.Errorf("%s %s: a row of routes.yaml may have this path", e.Method, e.Path)
		}
	}
	for _, own := range route.Reserved {
		if !used[own] {
			t.Errorf("%s is reserved, and no endpoint is there", own)
		}
	}
}

func TestProxyKnowsTheRolesOfAuth(t *testing.T) {
	t.Parallel()
	var roles []string
	for _, role := range session.Roles {
		roles = append(roles, string(role))
	}
	if !slices.Equal(roles, route.Roles) {
		t.Errorf("a row may ask for %q, an account has one of %q", route.Roles, roles)
	}
}
