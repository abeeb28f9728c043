package outage

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// A master dies amid traffic and Sentinel promotes its replica, which may lack
// the last writes: good access tokens work throughout, whoever renews is told
// to come again and keeps its cookies, and nobody is signed out but those who
// left, before, meanwhile or after.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	s := site.OnServices(t).TrustLoopback()
	s.Redis.Stop() // everything is to be on the others
	servers := servertest.Sentinel(t)
	s.Env["REDIS_URL"] = servers.URL
	p := site.Pair{A: s.Start()}
	p.B = p.A.Twin()
	with := p.A.MemberTokens("ada@example.com")
	left, leaves := p.A.SignInTokens("ada@example.com"), p.A.SignInTokens("ada@example.com")
	p.A.Post("/api/auth/logout", left).Want(t, 204)

	ctx, cancel := context.WithCancel(t.Context())
	var renewing sync.WaitGroup
	defer func() { cancel(); renewing.Wait() }() // in this order, or a failure waits for ever
	var refreshers []*refresher
	var members []site.Tokens
	for range 6 {
		// In a second of theirs, an identity token on its way would grow old.
		v := &refresher{jar: p.A.SignInTokens("ada@example.com"), pace: 10 * time.Millisecond}
		refreshers, members = append(refreshers, v), append(members, v.jar)
	}
	servers.CatchUp()
	servers.SetDownAfter(time.Hour) // it fails over when it is told to
	for _, v := range refreshers {
		renewing.Go(func() {
			if err := v.refreshLoop(ctx, t, p); err != nil {
				t.Error(err)
			}
		})
	}
	busyAtA, busyAtB := p.A.KeepBusy(members), p.B.KeepBusy(members)
	defer busyAtA()
	defer busyAtB()
	renewed := func(v *refresher) *atomic.Int64 { return &v.renewed }
	unasked := func(v *refresher) *atomic.Int64 { return &v.unasked }

	awaitAll(p, "renewals", refreshers, renewed)
	servers.Master.Kill()
	awaitAll(p, "answers that there is no answer", refreshers, unasked)
	wantRedisUnavailable(t, with, p.Each()...)
	a := p.A.Post("/api/auth/logout", leaves).Want(t, 503, "session_store_unavailable")
	if c := a.SetCookies(); len(c) != 2 || c["access_token"] || c["refresh_token"] {
		t.Errorf("signing out takes this browser's cookies all the same: %v", c)
	}
	// A replica that has had no master for ten times as long is never made one,
	// and on a busy machine the last answer above takes its time.
	servers.SetDownAfter(6 * time.Second)
	down := time.Now()
	awaitAll(p, "renewals by the replica", refreshers, renewed)
	t.Logf("everybody is renewed %v after Sentinel was let", time.Since(down))
	if role := site.RedisClient(t, servers.Replica.URL).Do(t.Context(), "ROLE").String(); !strings.Contains(role, "[master ") {
		t.Errorf("the replica is %s", role)
	}
	with = recovers(t, p, with)
	for _, at := range p.Each() {
		for _, gone := range []site.Tokens{left, leaves} {
			at.Eventually("the sign-out to be carried out", func() bool {
				return at.Get("/api/demo/me", site.Tokens{Access: gone.Access}).StatusCode == 401
			})
			at.Post("/api/auth/refresh", gone).WantSignedOut(t, "session_revoked")
		}
	}

	// The old master comes back and takes itself for one, until Sentinel gets to
	// it; nobody may believe that.
	servers.Master.Start()
	awaitAll(p, "renewals with two masters", refreshers, renewed)
	cancel()
	renewing.Wait()
	recovers(t, p, with)
	if clients, err := site.RedisClient(t, servers.Master.URL).ClientList(t.Context()).Result(); err != nil || strings.Contains(clients, "name=gatehouse") {
		t.Errorf("at the old master, %v:\n%s", err, clients)
	}
	var total, in int64
	for _, v := range refreshers {
		for _, at := range p.Each() {
			v.jar = at.Post("/api/auth/refresh", v.jar).Refreshed(t)
			at.Get("/api/demo/me", v.jar).Want(t, 200)
		}
		total, in = total+v.renewed.Load(), in+v.unasked.Load()
	}
	t.Logf("%d renewals, %d times none, %d calls", total, in, busyAtA()+busyAtB())
}
