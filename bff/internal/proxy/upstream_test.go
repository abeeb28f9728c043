package proxy

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestRetry(t *testing.T) {
	// resets accepts, reads a request and closes: something was sent.
	var hits atomic.Int64
	resets := rawUpstream(t, func(_ net.Conn, br *bufio.Reader) {
		hits.Add(1)
		_, _ = http.ReadRequest(br)
	})
	dead := deadUpstream(t)
	for _, tt := range []struct {
		name, first, method, body string
		status                    int
	}{
		{"dead, GET", dead, "GET", "", 200},
		{"dead, POST with body: nothing was sent", dead, "POST", "hello", 200},
		{"reset, GET", resets, "GET", "", 200},
		{"reset, DELETE", resets, "DELETE", "", 200},
		{"reset, PUT with body", resets, "PUT", "hello", 502},
		{"reset, POST", resets, "POST", "", 502},
		{"reset, PATCH", resets, "PATCH", "", 502},
		{"reset, POST with body", resets, "POST", "hello", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hits.Store(0)
			var served atomic.Int64
			good := upstreamFunc(t, func(_ http.ResponseWriter, r *http.Request) {
				served.Add(1)
				var b strings.Builder
				_, _ = bufio.NewReader(r.Body).WriteTo(&b)
				if b.String() != tt.body {
					t.Errorf("body %q", b.String())
				}
			})
			g := newGate(t, good+" "+tt.first, nil) // the second one's turn is first
			res, _ := g.do(t, tt.method, "/api/x", strings.NewReader(tt.body))
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
			if n := hits.Load() + served.Load(); tt.status == 502 && n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestNoRetryAfterTimeoutOrWithoutAnother(t *testing.T) {
	var hits atomic.Int64
	hang := make(chan struct{})
	defer close(hang)
	silent := func() string {
		return rawUpstream(t, func(_ net.Conn, br *bufio.Reader) { hits.Add(1); _, _ = br.ReadString('\n'); <-hang })
	}
	g := newGate(t, silent()+" "+silent(), func(r *route.Config) { r.Timeout = 50 * time.Millisecond })
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 504 || hits.Load() != 1 {
		t.Errorf("status %d, asked %d times", res.StatusCode, hits.Load())
	}
	g = newGate(t, deadUpstream(t)+" "+deadUpstream(t), nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 502 {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestRoundRobinPassesOverTheUnreachable(t *testing.T) {
	clock := time.Unix(1000, 0)
	now := func() time.Time { return clock }
	table := mustTable(t, route.Config{Path: "/api/x", Upstreams: append(append(up(t), mustURL(t, "http://b")), mustURL(t, "http://c"))})
	var state pools
	rt := state.of(table.Routes()[0])
	counts := func(n int) map[string]int {
		m := map[string]int{}
		for range n {
			m[rt.pick(now, nil).host]++
		}
		return m
	}
	if m := counts(30); m["up:1"] != 10 || m["b"] != 10 || m["c"] != 10 {
		t.Errorf("not in turn: %v", m)
	}
	rt.upstreams[1].downUntil.Store(now().Add(coolDown).UnixNano())
	if m := counts(30); m["b"] != 0 {
		t.Errorf("asked the unreachable one: %v", m)
	}
	clock = clock.Add(coolDown)
	if m := counts(30); m["b"] != 10 {
		t.Errorf("not asked again: %v", m)
	}
	for _, u := range rt.upstreams {
		u.downUntil.Store(now().Add(time.Hour).UnixNano())
	}
	if m := counts(3); len(m) != 3 {
		t.Errorf("all down: %v", m)
	}
	for range 10 {
		if u := rt.pick(now, rt.upstreams[0]); u == rt.upstreams[0] {
			t.Error("the one that was tried")
		}
	}
}

func TestUnreachableUpstreamCoolsDown(t *testing.T) {
	var served atomic.Int64
	good := upstreamFunc(t, func(http.ResponseWriter, *http.Request) { served.Add(1) })
	g := newGate(t, good+" "+deadUpstream(t), nil)
	for range 10 {
		if res, _ := g.do(t, "POST", "/api/x", strings.NewReader("x")); res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
	}
	if rt := g.pool(); served.Load() != 10 || rt.upstreams[1].downUntil.Load() == 0 || rt.upstreams[0].downUntil.Load() != 0 {
		t.Errorf("served %d, down until %d", served.Load(), rt.upstreams[1].downUntil.Load())
	}
}

func TestHealthProbe(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	asked := make(chan string, 10)
	sick := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.RequestURI
		w.WriteHeader(int(status.Load()))
	})
	well := upstreamFunc(t, func(http.ResponseWriter, *http.Request) {})
	g := newGate(t, sick+" "+well, func(r *route.Config) { r.HealthPath = "/healthz" })
	rt := g.pool()
	for _, tt := range []struct {
		status int64
		down   bool
	}{{200, false}, {503, true}, {204, false}} {
		status.Store(tt.status)
		g.proxy.probe(t.Context(), g.table.Load())
		if uri := <-asked; uri != "/healthz" {
			t.Errorf("asked %s", uri)
		}
		if down := rt.upstreams[0].downUntil.Load() > time.Now().UnixNano(); down != tt.down || rt.upstreams[1].downUntil.Load() != 0 {
			t.Errorf("after %d: down %v", tt.status, down)
		}
	}
}

// upstream_up of a single upstream stayed 0 after the upstream was back, until the
// next client came by: a health check was not sent where there is no choice.
func TestHealthProbeOfASingleUpstream(t *testing.T) {
	var status, asked atomic.Int64
	only := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(int(status.Load()))
	})
	g := newGate(t, only, func(r *route.Config) { r.HealthPath = "/healthz" })
	for i, tt := range []struct {
		status int64
		up     bool
	}{{503, false}, {200, true}, {500, false}, {302, true}} {
		status.Store(tt.status)
		g.proxy.probe(t.Context(), g.table.Load())
		if state := g.proxy.Upstreams(g.table.Load()); len(state) != 1 || state[0].Up != tt.up || asked.Load() != int64(i+1) {
			t.Errorf("after %d: %+v, asked %d times", tt.status, state, asked.Load())
		}
	}
	// An unhealthy upstream is still used: the health path may be wrong, and there is no other one.
	status.Store(503)
	g.proxy.probe(t.Context(), g.table.Load())
	status.Store(200)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 200 || !g.proxy.Upstreams(g.table.Load())[0].Up {
		t.Errorf("%s, %+v", res.Status, g.proxy.Upstreams(g.table.Load()))
	}

	without := newGate(t, only, nil)
	asked.Store(0)
	without.proxy.probe(t.Context(), without.table.Load())
	if asked.Load() != 0 {
		t.Error("a row without health_path was asked")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		p := New(Options{PublicURL: mustURL(t, "http://localhost"), Now: time.Now})
		rounds := 0
		if err := p.Run(ctx, func() *route.Table { rounds++; return &route.Table{} }); err != nil || rounds != 3 {
			t.Errorf("%v after %d rounds", err, rounds)
		}
	})
}
