package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are read at each scrape. All of them must be set.
type Sources struct {
	HashesRunning, HashesWaiting func() int
	LimitsInMemory               func() bool
	// Open streams: WebSockets and event streams of upstreams, and browsers that
	// watch their session.
	WebSockets, EventStreams, SessionWatchers func() int
	Upstreams                                 func() []Upstream
	// ProxiesSeen calls yield for each network of TRUSTED_PROXIES; ForwardedByOthers
	// counts requests.
	ProxiesSeen       func(yield func(network string, seen bool))
	ForwardedByOthers func() int
	// Down returns the names in the answer of /readyz.
	Down func(context.Context) []string
}

// Upstream is one address behind a route.
type Upstream struct {
	Route, Address string
	Up             bool
}

// Watch adds the values of s to the metrics. It may be called once.
func (m *Metrics) Watch(s Sources) {
	number := func(name, help string, labels prometheus.Labels, value func() int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: name, Help: help, ConstLabels: labels,
		}, func() float64 { return float64(value()) }))
	}
	number("password_hashes_running", "Passwords that are being hashed or judged.", nil, s.HashesRunning)
	number("password_hashes_waiting", "Passwords that wait for their turn.", nil, s.HashesWaiting)
	number("limits_in_memory", "1 while limits are counted by this instance alone, because Redis does not answer.", nil,
		func() int { return int(truth(s.LimitsInMemory())) })
	for kind, count := range map[string]func() int{
		"websocket": s.WebSockets, "event_stream": s.EventStreams, "session_events": s.SessionWatchers,
	} {
		number("live_streams", "Connections that last: WebSockets, event streams of upstreams, and pages that watch their session.",
			prometheus.Labels{"kind": kind}, count)
	}
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: "forwarded_by_others_total", Help: "Requests with X-Forwarded-For from an address that is not in TRUSTED_PROXIES.",
	}, func() float64 { return float64(s.ForwardedByOthers()) }))
	m.registry.MustRegister(&states{s, described("ready", "1 when /readyz says so."),
		described("down", "1 for each thing that keeps the server from being ready.", "what"),
		described("upstream_up", "1 when the last attempt to reach this upstream succeeded, or there was none.", "route", "upstream"),
		described("trusted_proxy_seen", "1 once a request has come over this network of TRUSTED_PROXIES.", "network")})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// states are gauges whose labels are known only at a scrape: a reload
// changes the upstreams.
type states struct {
	of                              Sources
	ready, down, upstreams, proxies *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *states) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.ready, s.down, s.upstreams, s.proxies} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *states) Collect(out chan<- prometheus.Metric) {
	give := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	down := s.of.Down(context.Background())
	give(s.ready, truth(len(down) == 0))
	for _, what := range down {
		give(s.down, 1, what)
	}
	for _, u := range s.of.Upstreams() {
		give(s.upstreams, truth(u.Up), u.Route, u.Address)
	}
	s.of.ProxiesSeen(func(network string, seen bool) { give(s.proxies, truth(seen), network) })
}
