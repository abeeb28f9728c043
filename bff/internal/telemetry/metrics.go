// Package telemetry has Prometheus metrics and optional OpenTelemetry traces. It
// imports no other package: the others declare hooks, and app passes them its
// functions.
package telemetry

import (
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace is the prefix of our metrics' names.
const namespace = "gatehouse"

// Buckets in seconds. A proxied request takes half a millisecond, a sign-in
// 0.3 s and five more when the queue is full.
var (
	requestBuckets    = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	storeBuckets      = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 3}
	hashBuckets       = []float64{.05, .1, .2, .3, .4, .5, .75, 1, 2, 4, 8}
	revocationBuckets = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300}
)

// Metrics is every metric there is. Labels have values that the code or the
// routes file names, never values that a client sent: a client that chooses
// labels could fill the memory.
type Metrics struct {
	registry *prometheus.Registry
	now      func() time.Time

	requests  children[requestKey, *answers]
	upstreams children[string, *answers]
	broken    *prometheus.CounterVec
	refused   *prometheus.CounterVec

	upstreamErrors *prometheus.CounterVec
	refreshes      *prometheus.CounterVec
	signIns        *prometheus.CounterVec
	limits         *prometheus.CounterVec
	revocationLag  prometheus.Histogram
	settlements    prometheus.Gauge
	mails          *prometheus.CounterVec
	hashSeconds    prometheus.Histogram
	hashesRefused  prometheus.Counter
	reloadOK       prometheus.Gauge
	reloadedAt     prometheus.Gauge
	storeErrors    *prometheus.CounterVec
	storeSeconds   *prometheus.HistogramVec
}

// New makes the metrics of one server; version is the product's version.
func New(version string, now func() time.Time) *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Metrics{
		registry: r, now: now,
		broken:         counters(r, "http_answers_broken_off_total", "Answers that broke off in their middle.", "route"),
		refused:        counters(r, "http_requests_refused_unread_total", "Requests refused before a handler saw them, by status.", "status"),
		upstreamErrors: counters(r, "upstream_errors_total", "Requests that could not be forwarded, by why.", "route", "kind"),
		refreshes:      counters(r, "refreshes_total", "Presented refresh tokens, by what they led to.", "outcome"),
		signIns:        counters(r, "sign_ins_total", "Attempts to sign in, by their outcome.", "outcome"),
		limits:         counters(r, "limit_decisions_total", "What rate limits have decided.", "limit", "decision"),
		revocationLag:  histogram(r, "revocation_lag_seconds", "From the end of a session to its being refused here.", revocationBuckets),
		settlements:    gauge(r, "settlements_pending", "Changes of accounts that have yet to reach their sessions, 100 at most."),
		mails:          counters(r, "mails_total", "Notices to people, by what became of them.", "outcome"),
		hashSeconds:    histogram(r, "password_hash_seconds", "Time to hash or verify a password, without the wait for a turn.", hashBuckets),
		hashesRefused:  counter(r, "password_hashes_refused_total", "Passwords that were not hashed because the queue was full."),
		reloadOK:       gauge(r, "reload_last_successful", "1 unless the last reload was refused."),
		reloadedAt:     gauge(r, "reload_last_success_timestamp_seconds", "When files were last read and put in force, the start included."),
		storeErrors:    counters(r, "store_errors_total", "Questions that a store did not answer.", "store", "operation"),
		storeSeconds:   histograms(r, "store_request_seconds", "Time that a store took to answer a question.", storeBuckets, "store", "operation"),
	}
	m.requests.make = requestAnswers(r)
	m.upstreams.make = upstreamAnswers(r)
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1; the labels say what is running.",
	}, []string{"version", "go_version"})
	info.WithLabelValues(version, runtime.Version()).Set(1)
	r.MustRegister(info)
	m.refusals()
	m.Reloaded(true)
	return m
}

// refusals starts the counters of refused requests at 0, as Outcomes does.
func (m *Metrics) refusals() {
	for _, status := range []string{"400", "408", "417", "431", "501", "505"} {
		m.refused.WithLabelValues(status)
	}
}

// Outcomes starts the counters of Refreshed and Mailed at 0: the first theft must
// be an increase, or no alert fires.
func (m *Metrics) Outcomes(refreshes, mails []string) {
	for _, outcome := range refreshes {
		m.refreshes.WithLabelValues(outcome)
	}
	for _, outcome := range mails {
		m.mails.WithLabelValues(outcome)
	}
}

// Handler answers scrapes. It belongs on the private listener.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// A scraper in a tight loop must not take the cores from requests.
		MaxRequestsInFlight: 4,
	})
}

func counters(r *prometheus.Registry, name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func counter(r *prometheus.Registry, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	r.MustRegister(c)
	return c
}

func gauge(r *prometheus.Registry, name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	r.MustRegister(g)
	return g
}

func histogram(r *prometheus.Registry, name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	r.MustRegister(h)
	return h
}

func histograms(r *prometheus.Registry, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(v)
	return v
}
