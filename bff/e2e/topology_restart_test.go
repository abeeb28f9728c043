package e2e

import "testing"

// The instances are replaced one after the other, twice each, while people
// read, write and renew: Caddy's probe and the drain together let nobody see
// an error or be signed out.
func TestRollingRestartBehindCaddyFailsNobody(t *testing.T) {
	top := startTopology(t)
	commuters := newCrowd(t, top.base, top.transport, 4, "/api/demo/me")
	for range 2 {
		for i, b := range top.instances {
			commuters.getOn("before a restart")
			top.instances[i] = b.restarted()
		}
	}
	commuters.getOn("after the restarts")
	commuters.end()
}
