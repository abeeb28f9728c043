package operator

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// The server had to be stopped for a backup of embedded mode. A server that is
// started on one goes on from its moment: who was signed in is, with whatever
// tokens the browser got since, and who had signed out is not.
func TestBackupBesideAServer(t *testing.T) {
	t.Parallel()
	b := site.NewBinary(t, site.BuildBinary(t))
	b.Run()
	var jars []site.Tokens
	for n := range 3 {
		jars = append(jars, b.MemberTokens(fmt.Sprintf("ada%d@example.com", n)))
	}
	gone := b.MemberTokens("gone@example.com")
	b.Post("/api/auth/logout", gone).Want(t, 204)

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
				a, err := b.Send("POST", "/api/auth/refresh", site.Tokens{Refresh: jars[n].Refresh})
				if err != nil || a.StatusCode != 200 {
					t.Errorf("during the backups: %v %s", err, a.Text)
					return
				}
				if child, _ := a.NewTokens(); child.Refresh != "" {
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
		b.Eventually("renewals", func() bool { return renewed.Load() > at+5 || t.Failed() })
		last = filepath.Join(backups, fmt.Sprint(n))
		c := exec.Command(b.Cmd.Path, "backup", last)
		c.Env = b.Cmd.Env
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "DATA_DIR="+last) {
			t.Errorf("backup %d: %v: %s", n, err, out)
		}
	}
	late := b.MemberTokens("late@example.com")
	at := renewed.Load()
	b.Eventually("more renewals", func() bool { return renewed.Load() > at+5 || t.Failed() })
	close(over)
	all.Wait()
	b.Terminate()
	b.Eventually("the process to end", b.HasExited)
	site.Client.CloseIdleConnections()

	b = b.StartAgain("DATA_DIR", last)
	for n, jar := range jars {
		b.Post("/api/auth/refresh", site.Tokens{Refresh: jar.Refresh}).Want(t, 200)
		b.SignInTokens(fmt.Sprintf("ada%d@example.com", n)) // the account, too
	}
	b.Post("/api/auth/refresh", site.Tokens{Refresh: gone.Refresh}).WantSignedOut(t, "session_revoked")
	b.Get("/api/auth/me", site.Tokens{Access: gone.Access}).Want(t, 401) // lives on, but for the revocation
	b.Post("/api/auth/refresh", site.Tokens{Refresh: late.Refresh}).Want(t, 401)
	b.Terminate()
	b.Eventually("the process to end", b.HasExited)
	t.Logf("%d renewals", renewed.Load())
}
