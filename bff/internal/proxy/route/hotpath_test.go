//go:build !race

package route

import "testing"

func TestAllocationsOfADecision(t *testing.T) {
	table := mustTable(t, Config{Path: "/api/orders", Upstreams: up(t)}, Config{Path: "/api/orders/admin", Upstreams: up(t), Roles: []string{"admin"}})
	if got := testing.AllocsPerRun(200, func() { table.Decide("GET", "/api/orders/4711/items", ann) }); got > 0 {
		t.Errorf("%v allocations", got)
	}
}
