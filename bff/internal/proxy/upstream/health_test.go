package upstream

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestHealthProbe(t *testing.T) {
	var status atomic.Int64
	status.Store(200)
	asked := make(chan string, 10)
	sick := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.RequestURI
		w.WriteHeader(int(status.Load()))
	})
	well := upstreamFunc(t, func(http.ResponseWriter, *http.Request) {})
	h := newHarness(t, route.Config{HealthPath: "/healthz"}, sick, well)
	rt := h.pool()
	for _, tt := range []struct {
		status int64
		down   bool
	}{{200, false}, {503, true}, {204, false}} {
		status.Store(tt.status)
		h.transport.probe(t.Context(), h.table)
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
	h := newHarness(t, route.Config{HealthPath: "/healthz"}, only)
	for i, tt := range []struct {
		status int64
		up     bool
	}{{503, false}, {200, true}, {500, false}, {302, true}} {
		status.Store(tt.status)
		h.transport.probe(t.Context(), h.table)
		if state := h.transport.States(h.table); len(state) != 1 || state[0].Up != tt.up || asked.Load() != int64(i+1) {
			t.Errorf("after %d: %+v, asked %d times", tt.status, state, asked.Load())
		}
	}
	// An unhealthy upstream is still used: the health path may be wrong, and there is no other one.
	status.Store(503)
	h.transport.probe(t.Context(), h.table)
	status.Store(200)
	if status, err := h.send("GET", ""); status != 200 || !h.transport.States(h.table)[0].Up {
		t.Errorf("%d, %v, %+v", status, err, h.transport.States(h.table))
	}

	without := newHarness(t, route.Config{}, only)
	asked.Store(0)
	without.transport.probe(t.Context(), without.table)
	if asked.Load() != 0 {
		t.Error("a row without health_path was asked")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		tr := New(Options{Now: time.Now})
		rounds := 0
		if err := tr.Run(ctx, func() *route.Table { rounds++; return &route.Table{} }); err != nil || rounds != 3 {
			t.Errorf("%v after %d rounds", err, rounds)
		}
	})
}

func TestHealthProbeOverH2C(t *testing.T) {
	proto := make(chan string, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto <- r.Proto }))
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Start()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	h := newHarness(t, route.Config{HealthPath: "/healthz"}, strings.Replace(srv.URL, "http:", "h2c:", 1), deadUpstream(t))
	h.transport.probe(t.Context(), h.table)
	if p := <-proto; p != "HTTP/2.0" || h.pool().upstreams[0].downUntil.Load() != 0 {
		t.Errorf("asked in %s", p)
	}
}
