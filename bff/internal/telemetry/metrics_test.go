package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(discard()).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("%d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

func says(t *testing.T, m *Metrics, lines ...string) {
	t.Helper()
	text := "\n" + scrape(t, m)
	for _, want := range lines {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}

// Metrics add no allocation to a proxied request.
func TestRequestsAreCountedWithoutAllocating(t *testing.T) {
	m := New("v", newClock().now)
	count := func() {
		m.Request("GET", "/api/orders", 200, time.Millisecond, false)
		m.Upstream("/api/orders", 200, time.Millisecond)
	}
	count() // the first one makes the counters
	if n := testing.AllocsPerRun(1000, count); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCountedRequest(b *testing.B) {
	m := New("v", newClock().now)
	b.ReportAllocs()
	for b.Loop() {
		m.Request("GET", "/api/orders", 200, time.Millisecond, false)
		m.Upstream("/api/orders", 200, time.Millisecond)
	}
}

func TestStatusesHaveClasses(t *testing.T) {
	m := New("v", newClock().now)
	for _, status := range []int{0, 99, 101, 200, 204, 302, 404, 499, 500, 599, 600, -1} {
		m.Request("GET", "/x", status, time.Millisecond, status == 101)
	}
	for class, n := range map[string]string{"other": "4", "1xx": "1", "2xx": "2", "3xx": "1", "4xx": "2", "5xx": "2"} {
		says(t, m, `gatehouse_http_requests_total{method="GET",route="/x",status="`+class+`"} `+n)
	}
	says(t, m, `gatehouse_http_request_seconds_count{method="GET",route="/x"} 11`) // a stream has no latency
}

func TestManyCountAtOnce(t *testing.T) {
	m := New("v", newClock().now)
	routes := []string{"/a", "/b", "/c", "/d"}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				m.Request("GET", routes[i%len(routes)], 200, time.Millisecond, false)
			}
		})
	}
	wg.Wait()
	for _, route := range routes {
		says(t, m, `gatehouse_http_requests_total{method="GET",route="`+route+`",status="2xx"} 2000`)
	}
}

func TestEvents(t *testing.T) {
	c := newClock()
	m := New("v1.2", c.now)
	m.Outcomes([]string{"rotated", "stolen"}, []string{"sent"})
	says(t, m, `gatehouse_refreshes_total{outcome="stolen"} 0`, `gatehouse_mails_total{outcome="sent"} 0`) // an alert needs something to rise from
	m.Refreshed("stolen")
	m.SignedIn("busy")
	m.Limited("signin", true)
	m.Limited("signin", false)
	m.Revoked(-time.Second) // the other clock is ahead
	m.Revoked(20 * time.Second)
	m.Settling(7)
	m.HashRefused()
	ended := m.HashBegins()
	c.at = c.at.Add(300 * time.Millisecond)
	ended()
	m.BrokenOff("/x")
	m.UpstreamFailed("/x", "timeout")
	says(t, m,
		`gatehouse_refreshes_total{outcome="stolen"} 1`,
		`gatehouse_sign_ins_total{outcome="busy"} 1`,
		`gatehouse_limit_decisions_total{decision="allowed",limit="signin"} 1`,
		`gatehouse_limit_decisions_total{decision="refused",limit="signin"} 1`,
		`gatehouse_revocation_lag_seconds_bucket{le="0.001"} 1`,
		`gatehouse_revocation_lag_seconds_bucket{le="60"} 2`,
		`gatehouse_revocation_lag_seconds_sum 20`,
		`gatehouse_settlements_pending 7`,
		`gatehouse_password_hashes_refused_total 1`,
		`gatehouse_password_hash_seconds_sum 0.3`,
		`gatehouse_http_answers_broken_off_total{route="/x"} 1`,
		`gatehouse_upstream_errors_total{kind="timeout",route="/x"} 1`,
	)
	if text := scrape(t, m); !strings.Contains(text, `version="v1.2"} 1`) || !strings.Contains(text, "go_goroutines ") {
		t.Error("no build or no runtime")
	}
}

func TestQuestions(t *testing.T) {
	c := newClock()
	m := New("v", c.now)
	ask := m.Questions("redis", nil)
	for _, err := range []error{nil, errors.New("away")} {
		_, done := ask(context.Background(), "get session")
		c.at = c.at.Add(2 * time.Second)
		done(err)
	}
	says(t, m, `gatehouse_store_errors_total{operation="get session",store="redis"} 1`,
		`gatehouse_store_request_seconds_count{operation="get session",store="redis"} 2`,
		`gatehouse_store_request_seconds_sum{operation="get session",store="redis"} 4`)
}

func TestSources(t *testing.T) {
	m := New("v", newClock().now)
	down, memory := []string{}, false
	number := func(n int) func() int { return func() int { return n } }
	m.Watch(Sources{
		HashesRunning: number(1), HashesWaiting: number(2), LimitsInMemory: func() bool { return memory },
		WebSockets: number(3), EventStreams: number(4), SessionWatchers: number(5),
		Upstreams: func() []Upstream { return []Upstream{{"/a", "http://one", true}, {"/a", "http://two", false}} },
		ProxiesSeen: func(yield func(string, bool)) {
			yield("10.0.0.0/8", true)
			yield("fd00::/8", false)
		},
		ForwardedByOthers: number(6),
		Down:              func(context.Context) []string { return down },
	})
	says(t, m, "gatehouse_password_hashes_running 1", "gatehouse_password_hashes_waiting 2", "gatehouse_limits_in_memory 0",
		`gatehouse_live_streams{kind="websocket"} 3`, `gatehouse_live_streams{kind="event_stream"} 4`, `gatehouse_live_streams{kind="session_events"} 5`,
		`gatehouse_trusted_proxy_seen{network="10.0.0.0/8"} 1`, `gatehouse_trusted_proxy_seen{network="fd00::/8"} 0`, "gatehouse_forwarded_by_others_total 6",
		`gatehouse_upstream_up{route="/a",upstream="http://one"} 1`, `gatehouse_upstream_up{route="/a",upstream="http://two"} 0`, "gatehouse_ready 1")
	down, memory = []string{"redis"}, true
	says(t, m, "gatehouse_ready 0", `gatehouse_down{what="redis"} 1`, "gatehouse_limits_in_memory 1")
}
