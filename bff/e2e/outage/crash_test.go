package outage

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Embedded mode is killed again and again while sessions are renewed: an
// answer may be lost, never a session, and no renewal looks like theft.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	b := site.NewBinary(t, site.BuildBinary(t))
	b.Run()
	var jars []site.Tokens
	for n := range 4 {
		jars = append(jars, b.MemberTokens(fmt.Sprintf("ada%d@example.com", n)))
	}
	var renewed, lost int64
	for round := range 5 {
		if round > 0 {
			b = b.StartAgain()
		}
		var all sync.WaitGroup
		var done atomic.Int64
		for n := range jars {
			all.Go(func() {
				for {
					a, err := b.Send("POST", "/api/auth/refresh", site.Tokens{Refresh: jars[n].Refresh})
					if err != nil {
						atomic.AddInt64(&lost, 1)
						return // killed; what it was asked may have happened
					}
					child, cleared := a.NewTokens()
					if a.StatusCode != 200 || cleared {
						t.Errorf("after %d kills: %d %s", round, a.StatusCode, a.Text)
						return
					}
					if child.Refresh != "" {
						jars[n] = child
					}
					done.Add(1)
					<-time.After(time.Duration(n) * time.Millisecond)
				}
			})
		}
		b.Eventually("renewals", func() bool { return done.Load() > int64(8+3*round) || t.Failed() })
		b.Kill()
		all.Wait()
		renewed += done.Load()
		site.Client.CloseIdleConnections()
	}
	b = b.StartAgain()
	for n, jar := range jars {
		b.Post("/api/auth/refresh", site.Tokens{Refresh: jar.Refresh}).Want(t, 200)
		b.SignInTokens(fmt.Sprintf("ada%d@example.com", n)) // the account, too
	}
	t.Logf("%d renewals, %d answers lost", renewed, lost)
}
