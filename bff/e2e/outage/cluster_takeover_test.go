package outage

import (
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// The master that keeps the stream and a third of the sessions dies for good.
// With its replica in its place refreshes and sign-outs work again; they used to
// fail, and to take effect late, for a minute more.
func TestMasterOfTheClusterStaysDead(t *testing.T) {
	t.Parallel()
	c := &onCluster{ClusterHandle: servertest.ReplicatedCluster(t, 3)}
	for _, m := range c.Masters {
		c.look = append(c.look, site.RedisClient(t, m.URL))
	}
	s := site.OnServices(t).TrustLoopback()
	s.Env["REDIS_URL"] = c.URL
	c.A = s.Start()
	c.B = c.A.Twin()
	residents := c.residents(t)
	stream := c.keeps(t, "revocations")
	c.CatchUp(stream)

	died := time.Now()
	c.Masters[stream].Kill()
	// Until then a refresh takes nothing from a browser.
	refresh := func(at *site.Harness, i int) bool {
		a := at.Post("/api/auth/refresh", site.Tokens{Refresh: residents[i].Refresh})
		if a.StatusCode != 200 {
			a.WantStoreUnavailable(t)
			return false
		}
		residents[i] = a.Refreshed(t)
		return true
	}
	for _, at := range c.Each() {
		refresh(at, stream)
	}
	c.AwaitTakeover(stream)
	t.Logf("the replica is the master after %v", time.Since(died))
	for _, at := range c.Each() {
		for i := range residents {
			at.Eventually("a refresh", func() bool { return refresh(at, i) })
		}
	}
	t.Logf("refreshes work after %v", time.Since(died))
	leaves := residents[stream]
	c.A.Eventually("a sign-out", func() bool { return c.A.Post("/api/auth/logout", leaves).StatusCode == 204 })
	for _, at := range c.Each() {
		at.Eventually("the sign-out everywhere", func() bool {
			return at.Get("/api/demo/me", site.Tokens{Access: leaves.Access}).StatusCode == 401
		})
	}
	t.Logf("a sign-out works after %v", time.Since(died))
	for _, at := range c.Each() {
		at.Eventually("readiness", func() bool { return at.Browser().Readyz().StatusCode == 200 })
	}
}
