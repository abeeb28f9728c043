package e2e

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Kill is the end that nobody is told of.
func (b *Binary) Kill() {
	b.T.Helper()
	if err := b.Cmd.Process.Signal(syscall.SIGKILL); err != nil {
		b.T.Fatal(err)
	}
	<-b.Exited
}

// Embedded mode is killed again and again while sessions are renewed: an
// answer may be lost, never a session, and no renewal looks like theft.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	b := NewBinary(t, BuildBinary(t))
	b.Run()
	var jars []Tokens
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
					a, err := b.Send("POST", "/api/auth/refresh", Tokens{Refresh: jars[n].Refresh})
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
		Client.CloseIdleConnections()
	}
	b = b.StartAgain()
	for n, jar := range jars {
		b.Post("/api/auth/refresh", Tokens{Refresh: jar.Refresh}).Want(t, 200)
		b.SignInTokens(fmt.Sprintf("ada%d@example.com", n)) // the account, too
	}
	t.Logf("%d renewals, %d answers lost", renewed, lost)
}
