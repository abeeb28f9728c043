package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The server had to be stopped for a backup of embedded mode. A server that is
// started on one goes on from its moment: who was signed in is, with whatever
// tokens the browser got since, and who had signed out is not.
func TestBackupBesideAServer(t *testing.T) {
	t.Parallel()
	b := newBinary(t, buildBinary(t))
	b.run()
	var jars []tokens
	for n := range 3 {
		jars = append(jars, b.somebody(fmt.Sprintf("ada%d@example.com", n)))
	}
	gone := b.somebody("gone@example.com")
	b.post("/api/auth/logout", gone).want(t, 204)

	var all sync.WaitGroup
	var renewed atomic.Int64
	over := make(chan struct{})
	for n := range jars {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				a, err := b.ask("POST", "/api/auth/refresh", tokens{refresh: jars[n].refresh})
				if err != nil || a.StatusCode != 200 {
					t.Errorf("during the backups: %v %s", err, a.text)
					return
				}
				if child, _ := a.brings(); child.refresh != "" {
					jars[n] = child
				}
				renewed.Add(1)
				<-time.After(200 * time.Millisecond) // there is a limit
			}
		})
	}
	backups := t.TempDir()
	var last string
	for n := range 3 {
		at := renewed.Load()
		b.eventually("renewals", func() bool { return renewed.Load() > at+5 || t.Failed() })
		last = filepath.Join(backups, fmt.Sprint(n))
		c := exec.Command(b.cmd.Path, "backup", last)
		c.Env = b.cmd.Env
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "DATA_DIR="+last) {
			t.Errorf("backup %d: %v: %s", n, err, out)
		}
	}
	late := b.somebody("late@example.com")
	at := renewed.Load()
	b.eventually("more renewals", func() bool { return renewed.Load() > at+5 || t.Failed() })
	close(over)
	all.Wait()
	b.terminate()
	b.eventually("the process to end", b.ended)
	tabs.CloseIdleConnections()

	b = b.again("DATA_DIR", last)
	for n, jar := range jars {
		b.post("/api/auth/refresh", tokens{refresh: jar.refresh}).want(t, 200)
		b.signedIn(fmt.Sprintf("ada%d@example.com", n)) // the account, too
	}
	b.post("/api/auth/refresh", tokens{refresh: gone.refresh}).keptOut(t, "session_revoked")
	b.get("/api/auth/me", tokens{access: gone.access}).want(t, 401) // lives on, but for the revocation
	b.post("/api/auth/refresh", tokens{refresh: late.refresh}).want(t, 401)
	b.terminate()
	b.eventually("the process to end", b.ended)
	t.Logf("%d renewals", renewed.Load())
}
