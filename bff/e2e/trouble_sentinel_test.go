package e2e

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// A master dies amid traffic and Sentinel promotes its replica, which may lack
// the last writes: good access tokens work throughout, whoever renews is told
// to come again and keeps its cookies, and nobody is signed out but those who
// left, before, meanwhile or after.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	s := onServices(t).crowd()
	s.redis.Stop() // everything is to be on the others
	servers := servertest.Sentinel(t)
	s.env["REDIS_URL"] = servers.URL
	p := pair{a: s.start()}
	p.b = p.a.twin()
	with := p.a.somebody("ada@example.com")
	left, leaves := p.a.signedIn("ada@example.com"), p.a.signedIn("ada@example.com")
	p.a.post("/api/auth/logout", left).want(t, 204)

	ctx, cancel := context.WithCancel(t.Context())
	var renewing sync.WaitGroup
	defer func() { cancel(); renewing.Wait() }() // in this order, or a failure waits for ever
	var travellers []*traveller
	var members []tokens
	for range 6 {
		// In a second of theirs, an identity token on its way would grow old.
		v := &traveller{jar: p.a.signedIn("ada@example.com"), pace: 10 * time.Millisecond}
		travellers, members = append(travellers, v), append(members, v.jar)
	}
	servers.CatchUp()
	servers.SetDownAfter(time.Hour) // it fails over when it is told to
	for _, v := range travellers {
		renewing.Go(func() {
			if err := v.travel(ctx, t, p); err != nil {
				t.Error(err)
			}
		})
	}
	busyAtA, busyAtB := p.a.busy(members), p.b.busy(members)
	defer busyAtA()
	defer busyAtB()
	renewed := func(v *traveller) *atomic.Int64 { return &v.renewed }
	unasked := func(v *traveller) *atomic.Int64 { return &v.unasked }

	p.everybody("renewals", travellers, renewed)
	servers.Master.Kill()
	p.everybody("answers that there is no answer", travellers, unasked)
	cannotAsk(t, with, p.each()...)
	a := p.a.post("/api/auth/logout", leaves).want(t, 503, "session_store_unavailable")
	if c := a.setCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", c)
	}
	// A replica that has had no master for ten times as long is never made one,
	// and on a busy machine the last answer above takes its time.
	servers.SetDownAfter(6 * time.Second)
	down := time.Now()
	p.everybody("renewals by the replica", travellers, renewed)
	t.Logf("everybody is renewed %v after Sentinel was let", time.Since(down))
	if role := admin(t, servers.Replica.URL).Do(t.Context(), "ROLE").String(); !strings.Contains(role, "[master ") {
		t.Errorf("the replica is %s", role)
	}
	with = p.recovers(t, with)
	for _, at := range p.each() {
		for _, gone := range []tokens{left, leaves} {
			at.eventually("the sign-out to be carried out", func() bool {
				return at.get("/api/demo/me", tokens{access: gone.access}).StatusCode == 401
			})
			at.post("/api/auth/refresh", gone).keptOut(t, "session_revoked")
		}
	}

	// The old master comes back and takes itself for one, until Sentinel gets to
	// it; nobody may believe that.
	servers.Master.Start()
	p.everybody("renewals with two masters", travellers, renewed)
	cancel()
	renewing.Wait()
	p.recovers(t, with)
	if clients, err := admin(t, servers.Master.URL).ClientList(t.Context()).Result(); err != nil || strings.Contains(clients, "name=gatehouse") {
		t.Errorf("at the old master, %v:\n%s", err, clients)
	}
	var total, in int64
	for _, v := range travellers {
		for _, at := range p.each() {
			v.jar = at.post("/api/auth/refresh", v.jar).renewed(t)
			at.get("/api/demo/me", v.jar).want(t, 200)
		}
		total, in = total+v.renewed.Load(), in+v.unasked.Load()
	}
	t.Logf("%d renewals, %d times none, %d calls", total, in, busyAtA()+busyAtB())
}
