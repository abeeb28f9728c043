package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// kill is the end that nobody is told of.
func (b *binary) kill() {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		b.t.Fatal(err)
	}
	<-b.exited
}

// Embedded mode is killed again and again while sessions are renewed: an
// answer may be lost, never a session, and no renewal looks like theft.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBinary(t, buildBinary(t))
	b.run()
	var jars []tokens
	for n := range 4 {
		jars = append(jars, b.somebody(fmt.Sprintf("ada%d@example.com", n)))
	}
	var renewed, lost int64
	for round := range 5 {
		if round > 0 {
			b = b.again()
		}
		var all sync.WaitGroup
		var done atomic.Int64
		for n := range jars {
			all.Go(func() {
				for {
					a, err := b.ask("POST", "/api/auth/refresh", tokens{refresh: jars[n].refresh})
					if err != nil {
						atomic.AddInt64(&lost, 1)
						return // killed; what it was asked may have happened
					}
					child, cleared := a.brings()
					if a.StatusCode != 200 || cleared {
						t.Errorf("after %d kills: %d %s", round, a.StatusCode, a.text)
						return
					}
					if child.refresh != "" {
						jars[n] = child
					}
					done.Add(1)
					<-time.After(time.Duration(n) * time.Millisecond)
				}
			})
		}
		b.eventually("renewals", func() bool { return done.Load() > int64(8+3*round) || t.Failed() })
		b.kill()
		all.Wait()
		renewed += done.Load()
		tabs.CloseIdleConnections()
	}
	b = b.again()
	for n, jar := range jars {
		b.post("/api/auth/refresh", tokens{refresh: jar.refresh}).want(t, 200)
		b.signedIn(fmt.Sprintf("ada%d@example.com", n)) // the account, too
	}
	t.Logf("%d renewals, %d answers lost", renewed, lost)
}
