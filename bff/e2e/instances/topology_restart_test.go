package instances

import (
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// The instances are replaced one after the other, twice each, while people
// read, write and renew: Caddy's probe and the drain together let nobody see
// an error or be signed out.
func TestRollingRestartBehindCaddyFailsNoRequest(t *testing.T) {
	top := startTopology(t)
	commuters := site.NewCrowd(t, top.Base, top.Transport, 4, "/api/demo/me")
	for range 2 {
		for i, b := range top.instances {
			commuters.AwaitProgress("before a restart")
			top.instances[i] = b.Restart()
		}
	}
	commuters.AwaitProgress("after the restarts")
	commuters.End()
}
