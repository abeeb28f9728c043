package outage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// refresher renews one session over and over, at either instance, and knows
// how that went.
type refresher struct {
	jar              site.Tokens
	pace             time.Duration // of the clock, with each request
	renewed, unasked atomic.Int64
}

// refreshLoop goes on until ctx ends. Whatever happens to the store, a renewal is
// done or can be asked for again.
func (v *refresher) refreshLoop(ctx context.Context, t *testing.T, p site.Pair) error {
	for ctx.Err() == nil {
		p.A.Clock.Advance(v.pace)
		a, err := p.Each()[rand.IntN(2)].Send("GET", "/api/auth/me", site.Tokens{Refresh: v.jar.Refresh})
		if err != nil {
			return err
		}
		child, cleared := a.NewTokens()
		switch {
		case a.StatusCode == 200 && child != site.Tokens{} && child.Generation(t) == v.jar.Generation(t)+1:
			v.jar = child
			v.renewed.Add(1)
		case a.StatusCode == 503 && !cleared && child == site.Tokens{} && a.Header.Get("Retry-After") != "":
			v.unasked.Add(1)
		default:
			return fmt.Errorf("a refresher was told %d %s, cookies %v", a.StatusCode, a.Text, a.SetCookies())
		}
	}
	return nil
}

// awaitAll waits until all refreshers have counted on.
func awaitAll(p site.Pair, what string, refreshers []*refresher, count func(*refresher) *atomic.Int64) {
	p.A.T.Helper()
	var before []int64
	for _, v := range refreshers {
		before = append(before, count(v).Load())
	}
	p.A.Eventually(what, func() bool {
		for i, v := range refreshers {
			if p.A.T.Failed() {
				p.A.T.FailNow()
			}
			if count(v).Load() < before[i]+2 {
				return false
			}
		}
		return true
	})
}

// Redis hangs, is killed, loses all its connections, with refreshes at every stage:
// no session is signed out, and none skips a generation.
func TestRefreshesThroughOutages(t *testing.T) {
	t.Parallel()
	p := site.TwoInstances(t)
	look := site.RedisClient(t, p.A.Redis.URL)
	p.A.MemberTokens("ada@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer func() { cancel(); all.Wait() }() // in this order, or a failure waits for ever
	var refreshers []*refresher
	for range 8 {
		v := &refresher{jar: p.A.SignInTokens("ada@example.com"), pace: time.Second}
		refreshers = append(refreshers, v)
		all.Go(func() {
			if err := v.refreshLoop(ctx, t, p); err != nil {
				t.Error(err)
			}
		})
	}
	renewed := func(v *refresher) *atomic.Int64 { return &v.renewed }
	unasked := func(v *refresher) *atomic.Int64 { return &v.unasked }
	for _, trouble := range []struct{ begin, end func() }{
		{p.A.Redis.Pause, p.A.Redis.Resume},
		{p.A.Redis.Kill, p.A.Redis.Start},
		{p.A.Redis.Pause, p.A.Redis.Resume},
	} {
		awaitAll(p, "renewals", refreshers, renewed)
		trouble.begin()
		awaitAll(p, "answers that there is no answer", refreshers, unasked)
		trouble.end()
	}
	for range 10 {
		awaitAll(p, "renewals", refreshers, renewed)
		if err := look.ClientKillByFilter(t.Context(), "TYPE", "normal").Err(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	all.Wait()
	var total, in int64
	for _, v := range refreshers {
		total, in = total+v.renewed.Load(), in+v.unasked.Load()
	}
	t.Logf("%d renewals, %d times none", total, in)
}
