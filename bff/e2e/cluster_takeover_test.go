package e2e

import (
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// The master that keeps the stream and a third of the sessions dies for good.
// With its replica in its place refreshes and sign-outs work again; they used to
// fail, and to take effect late, for a minute more.
func TestMasterOfTheClusterStaysDead(t *testing.T) {
	t.Parallel()
	c := &onCluster{ClusterHandle: servertest.ReplicatedCluster(t, 3)}
	for _, m := range c.Masters {
		c.look = append(c.look, admin(t, m.URL))
	}
	s := onServices(t).crowd()
	s.env["REDIS_URL"] = c.URL
	c.a = s.start()
	c.b = c.a.twin()
	residents := c.residents(t)
	stream := c.keeps(t, "revocations")
	c.CatchUp(stream)

	died := time.Now()
	c.Masters[stream].Kill()
	// Until then a refresh takes nothing from a browser.
	refresh := func(at *site, i int) bool {
		a := at.post("/api/auth/refresh", tokens{refresh: residents[i].refresh})
		if a.StatusCode != 200 {
			a.unasked(t)
			return false
		}
		residents[i] = a.renewed(t)
		return true
	}
	for _, at := range c.each() {
		refresh(at, stream)
	}
	c.AwaitTakeover(stream)
	t.Logf("the replica is the master after %v", time.Since(died))
	for _, at := range c.each() {
		for i := range residents {
			at.eventually("a refresh", func() bool { return refresh(at, i) })
		}
	}
	t.Logf("refreshes work after %v", time.Since(died))
	leaves := residents[stream]
	c.a.eventually("a sign-out", func() bool { return c.a.post("/api/auth/logout", leaves).StatusCode == 204 })
	for _, at := range c.each() {
		at.eventually("the sign-out everywhere", func() bool {
			return at.get("/api/demo/me", tokens{access: leaves.access}).StatusCode == 401
		})
	}
	t.Logf("a sign-out works after %v", time.Since(died))
	for _, at := range c.each() {
		at.eventually("readiness", func() bool { return at.browser().ready().StatusCode == 200 })
	}
}
