package telemetry

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// children finds the metrics of a set of labels without allocating: WithLabelValues
// makes a slice and hashes every name, for each request. The map is copied on write,
// as there are few keys and they stay.
type children[K comparable, V any] struct {
	make  func(K) V
	known atomic.Pointer[map[K]V]
	mu    sync.Mutex
}

func (c *children[K, V]) of(k K) V {
	if known := c.known.Load(); known != nil {
		if v, ok := (*known)[k]; ok {
			return v
		}
	}
	return c.add(k)
}

func (c *children[K, V]) add(k K) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{}
	if known := c.known.Load(); known != nil {
		if v, ok := (*known)[k]; ok {
			return v
		}
		next = maps.Clone(*known)
	}
	v := c.make(k)
	next[k] = v
	c.known.Store(&next)
	return v
}

// statuses are the label values of a status: its class.
var statuses = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

func class(status int) int {
	if c := status / 100; c >= 1 && c < len(statuses) {
		return c
	}
	return 0
}

// answers has the metrics of one route.
type answers struct {
	byClass [len(statuses)]prometheus.Counter
	seconds prometheus.Observer
}

// requestKey holds a method and route, of which the caller passes only a few.
type requestKey struct{ method, route string }

func requestAnswers(r *prometheus.Registry) func(requestKey) *answers {
	total := counters(r, "http_requests_total", "Requests answered, by route and class of status.", "method", "route", "status")
	seconds := histograms(r, "http_request_seconds", "Time from a request's header to the end of its answer; streams are not in it.",
		requestBuckets, "method", "route")
	return func(k requestKey) *answers {
		a := &answers{seconds: seconds.WithLabelValues(k.method, k.route)}
		for i, status := range statuses {
			a.byClass[i] = total.WithLabelValues(k.method, k.route, status)
		}
		return a
	}
}

func upstreamAnswers(r *prometheus.Registry) func(string) *answers {
	total := counters(r, "upstream_requests_total", "Answers of upstreams, by route and class of status.", "route", "status")
	seconds := histograms(r, "upstream_response_seconds", "Time from forwarding a request to the header of the upstream's answer.",
		requestBuckets, "route")
	return func(route string) *answers {
		a := &answers{seconds: seconds.WithLabelValues(route)}
		for i, status := range statuses {
			a.byClass[i] = total.WithLabelValues(route, status)
		}
		return a
	}
}

// Request counts an answered request. The duration of a stream
// depends on its client, so it is not observed.
func (m *Metrics) Request(method, route string, status int, took time.Duration, stream bool) {
	a := m.requests.of(requestKey{method, route})
	a.byClass[class(status)].Inc()
	if !stream {
		a.seconds.Observe(took.Seconds())
	}
}

// BrokenOff counts a response that was cut before its end.
func (m *Metrics) BrokenOff(route string) { m.broken.WithLabelValues(route).Inc() }

// RefusedUnread counts a request that was refused before a handler saw it.
func (m *Metrics) RefusedUnread(status int) { m.refused.WithLabelValues(strconv.Itoa(status)).Inc() }

// Upstream counts an upstream's response when its header arrives.
func (m *Metrics) Upstream(route string, status int, took time.Duration) {
	a := m.upstreams.of(route)
	a.byClass[class(status)].Inc()
	a.seconds.Observe(took.Seconds())
}

// UpstreamFailed counts a request that could not be forwarded.
func (m *Metrics) UpstreamFailed(route, kind string) {
	m.upstreamErrors.WithLabelValues(route, kind).Inc()
}
