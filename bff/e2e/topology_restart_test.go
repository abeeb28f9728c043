package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// restart ends an instance as an orchestrator does and starts it again with
// the same environment.
func (top *topology) restart(i int) {
	top.t.Helper()
	old := top.instances[i]
	if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		top.t.Fatal(err)
	}
	top.eventually(old.name+" to drain", old.ended)
	if code := old.cmd.ProcessState.ExitCode(); code != 0 {
		top.t.Errorf("%s: exit code %d; it logged:\n%s", old.name, code, old.logs)
	}
	fresh := &binary{site: &site{t: top.t, base: old.base, logs: &lockedBuffer{}}, name: old.name, exited: make(chan struct{})}
	fresh.cmd = exec.Command(old.cmd.Path, "serve")
	fresh.cmd.Env, fresh.cmd.Stderr = old.cmd.Env, fresh.logs
	fresh.run()
	top.instances[i] = fresh
}

// load is people at work, until the context ends.
type load struct {
	top       *topology
	done      atomic.Int64
	mu        sync.Mutex
	failures  []string
	all       sync.WaitGroup
	perWorker []*atomic.Int64
}

func (l *load) failed(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (l *load) work(ctx context.Context, who *browser, requests ...func() (*http.Request, int)) {
	mine := new(atomic.Int64)
	l.perWorker = append(l.perWorker, mine)
	l.all.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			r, want := requests[i%len(requests)]()
			resp, err := who.client.Do(r)
			if err != nil {
				l.failed("%s %s: %v", r.Method, r.URL.Path, err)
				continue
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != want || err != nil {
				l.failed("%s %s: %d %.200s %v", r.Method, r.URL.Path, resp.StatusCode, text, err)
			}
			l.done.Add(1)
			mine.Add(1)
		}
	})
}

func (top *topology) request(method, path, body string, status int) func() (*http.Request, int) {
	return func() (*http.Request, int) {
		r, err := http.NewRequest(method, top.base+path, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		return r, status
	}
}

// The instances are replaced one after the other, twice each, while
// people read, write, renew and sign in: nobody sees an error or is signed out.
func TestRollingRestartFailsNobody(t *testing.T) {
	top := startTopology(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &load{top: top}
	for i := range 4 {
		who := top.member(fmt.Sprintf("worker%d@example.com", i))
		l.work(ctx, who, top.request("GET", "/api/demo/me", "", 200), top.request("POST", "/api/demo/notes", `{"text":"written in a restart"}`, 201))
		l.work(ctx, who, append(slices.Repeat([]func() (*http.Request, int){
			top.request("GET", "/api/auth/me", "", 200), top.request("GET", "/dashboard", "", 200), top.request("GET", "/assets/big-1a2b.js", "", 200),
		}, 20), top.request("POST", "/api/auth/refresh", "", 200))...)
	}
	progress := func(n int64) func() bool {
		before := make([]int64, len(l.perWorker))
		for i, w := range l.perWorker {
			before[i] = w.Load()
		}
		return func() bool {
			for i, w := range l.perWorker {
				if w.Load() < before[i]+n {
					return false
				}
			}
			return true
		}
	}
	for round := range 2 {
		for i := range top.instances {
			top.eventually("everybody to get on", progress(20))
			top.restart(i)
		}
		t.Logf("round %d: %d requests, %d failures", round+1, l.done.Load(), len(l.failures))
	}
	top.eventually("everybody to get on", progress(20))
	cancel()
	l.all.Wait()
	if len(l.failures) > 0 {
		t.Errorf("%d of %d requests failed:\n%s", len(l.failures), l.done.Load(), strings.Join(l.failures[:min(20, len(l.failures))], "\n"))
	}
}
