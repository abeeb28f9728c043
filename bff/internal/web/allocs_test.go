//go:build !race

package web

import (
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// The bound is on a proxied request's allocations in this package, its log line
// included; a test of telemetry holds those of metrics to none.
func TestProxiedRequestAllocatesLittle(t *testing.T) {
	const most = 1 + // the requestInfo
		1 + // the copy of the request that has it as its context: a context cannot be passed on otherwise
		1 + // the text of the request's id, when the client sent none
		1 + // the milliseconds of the log line, which slog boxes for encoding/json
		1 // the attributes of the line past the five that a slog.Record has space for
	for name, access := range map[string]route.Access{"public": route.Public, "optional": route.Optional, "member": route.Member} {
		p := newHotPath(t, access)
		n := testing.AllocsPerRun(1000, func() { p.serve(t) })
		if access != route.Public {
			sent := p.server.cookies.read(p.request)
			n -= testing.AllocsPerRun(1000, func() { p.authenticate(t, sent) })
		}
		if n > most {
			t.Errorf("%s: %v allocations, want %d at most", name, n, most)
		}
	}
}
