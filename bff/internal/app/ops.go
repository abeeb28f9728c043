package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"
)

// check returns the name under which /readyz reports a broken store, or "".
type check func(context.Context) string

// named makes a check of a ping.
func named(name string, ping func(context.Context) error) check {
	return func(ctx context.Context) string {
		if ping(ctx) != nil {
			return name
		}
		return ""
	}
}

// health serves the private listener: state for operators and for probes of load
// balancers, which the public must not see.
type health struct {
	now      func() time.Time
	checks   []check
	draining atomic.Bool
	// starting reports whether the state of the tables is still unknown; nil: it is
	// known.
	starting func() bool
	asked    atomic.Pointer[time.Time] // last probe of a load balancer; nil: never
	probed   atomic.Pointer[time.Time] // last request for /healthz; nil: never
}

// watchedFor is how long after a probe the endpoint counts as watched.
const watchedFor = time.Minute

func (h *health) watched() bool {
	last := h.asked.Load()
	return last != nil && h.now().Sub(*last) < watchedFor
}

// probesWithin is the longest interval of a load balancer's probes: some clouds
// probe every 30 seconds by default. A single request is a person's.
const probesWithin = watchedFor

// away is the public listener's answer: why requests should not be sent here, or
// "". A store that is away is not a reason, as the other instances have the same. An
// instance that brings the tables up to date first is one: the others sign
// people in meanwhile.
func (h *health) away() string {
	now := h.now()
	if last := h.probed.Swap(&now); last != nil && now.Sub(*last) < probesWithin {
		h.asked.Store(&now)
	}
	switch {
	case h.draining.Load():
		return "draining"
	case h.starting != nil && h.starting():
		return migrating
	}
	return ""
}

const symbolPath = "/debug/pprof/symbol"

const readyTimeout = 2 * time.Second

func (h *health) handler(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc(symbolPath, pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// down names the reasons why the server is not ready.
func (h *health) down(ctx context.Context) []string {
	down := []string{}
	if h.draining.Load() {
		down = append(down, "draining")
	}
	for _, c := range h.checks {
		// Each has its own timeout: a check that hangs must not make the next look down.
		asked, cancel := context.WithTimeout(ctx, readyTimeout)
		if name := c(asked); name != "" {
			down = append(down, name)
		}
		cancel()
	}
	return down
}

// ready answers 200, or 503 with the names from down.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	now := h.now()
	h.asked.Store(&now)
	down := h.down(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if len(down) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// It fails when the client has left.
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(down) == 0, "down": down})
}
