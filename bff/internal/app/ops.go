package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"
)

// check asks a store whether it is there.
type check struct {
	name string // as /readyz reports it
	ping func(context.Context) error
}

// health answers the private listener: what an operator and a load balancer's
// probes may know and the public may not.
type health struct {
	now      func() time.Time
	checks   []check
	draining atomic.Bool
	asked    atomic.Pointer[time.Time] // by who watches, last; nil: never
	probed   atomic.Pointer[time.Time] // on the public listener, last; nil: never
}

// watchedFor is how long after the last question somebody counts as watching.
const watchedFor = time.Minute

func (h *health) watched() bool {
	last := h.asked.Load()
	return last != nil && h.now().Sub(*last) < watchedFor
}

// probesWithin is how soon a load balancer asks again at the latest: every 30
// seconds, by default, at some clouds. One that asks once is a person.
const probesWithin = watchedFor

// healthy is the public listener's answer: false when nobody is to be sent here
// any more. That a store is away is no reason, as the other instances have the
// same.
func (h *health) healthy() bool {
	now := h.now()
	if last := h.probed.Swap(&now); last != nil && now.Sub(*last) < probesWithin {
		h.asked.Store(&now)
	}
	return !h.draining.Load()
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

// down names what keeps the server from being ready.
func (h *health) down(ctx context.Context) []string {
	down := []string{}
	if h.draining.Load() {
		down = append(down, "draining")
	}
	for _, c := range h.checks {
		// Each has its own time: one that hangs must not make the next look down.
		asked, cancel := context.WithTimeout(ctx, readyTimeout)
		if c.ping(asked) != nil {
			down = append(down, c.name)
		}
		cancel()
	}
	return down
}

// ready is 200, or 503 with the names of what is down.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	now := h.now()
	h.asked.Store(&now)
	down := h.down(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if len(down) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// The prober is gone when this fails.
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(down) == 0, "down": down})
}
