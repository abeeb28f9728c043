package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"
)

// check names what is wrong with a store, as /readyz reports it, or gives "".
type check func(context.Context) string

// named is a check that asks a store whether it is there.
func named(name string, ping func(context.Context) error) check {
	return func(ctx context.Context) string {
		if ping(ctx) != nil {
			return name
		}
		return ""
	}
}

// health answers the private listener: what an operator and a load balancer's
// probes may know and the public may not.
type health struct {
	now      func() time.Time
	checks   []check
	draining atomic.Bool
	// starting reports whether it is not known yet whether people can be served;
	// nil: it is.
	starting func() bool
	asked    atomic.Pointer[time.Time] // by who watches, last; nil: never
	probed   atomic.Pointer[time.Time] // on the public listener, last; nil: never
}

// watchedFor is how long after a probe the endpoint counts as watched.
const watchedFor = time.Minute

func (h *health) watched() bool {
	last := h.asked.Load()
	return last != nil && h.now().Sub(*last) < watchedFor
}

// probesWithin is how soon a load balancer asks again at the latest: every 30
// seconds, by default, at some clouds. One that asks once is a person.
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

// down names what keeps the server from being ready.
func (h *health) down(ctx context.Context) []string {
	down := []string{}
	if h.draining.Load() {
		down = append(down, "draining")
	}
	for _, c := range h.checks {
		// Each has its own time: one that hangs must not make the next look down.
		asked, cancel := context.WithTimeout(ctx, readyTimeout)
		if name := c(asked); name != "" {
			down = append(down, name)
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
