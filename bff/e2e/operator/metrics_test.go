package operator

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestMetricsOfKnownTraffic(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Member("ada@example.com")
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": "ada@example.com", "password": "not this one"}).Want(t, 401)
		for range 3 {
			b.Do("GET", "/api/demo/me?mail=ada@example.com", nil).Want(t, 200)
		}
		b.Do("POST", "/api/demo/notes", site.Object{"text": "x"}).Want(t, 201)
		b.Do("GET", "/api/demo/secret-4711", nil).Want(t, 404)
		b.Do("GET", "/api/nothing-4711", nil).Want(t, 404)
		b.Do("GET", "/page-4711", nil).Want(t, 404)
		b.Do("GET", "/api/auth/%6De", nil).Want(t, 400)
		b.Do("BREW", "/api/auth/me", nil).Want(t, 405)
		s.Browser().Do("GET", "/api/demo/me", nil).Want(t, 401)

		old := b.Cookie("refresh_token")
		with := func() *site.Browser {
			other := s.Browser()
			other.PutCookie("refresh_token", old)
			return other
		}
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)      // rotated
		with().Do("POST", "/api/auth/refresh", nil).Want(t, 200) // replayed
		b.Do("GET", "/api/auth/me", nil).Want(t, 200)
		with().Do("POST", "/api/auth/refresh", nil).Want(t, 200) // served
		s.Clock.Advance(time.Minute)
		with().Do("POST", "/api/auth/refresh", nil).Want(t, 401, "refresh_reuse")
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 401, "session_revoked")

		request := func(method, route, status string) string {
			return `gatehouse_http_requests_total{method="` + method + `",route="` + route + `",status="` + status + `"}`
		}
		want := map[string]float64{
			request("POST", "/api/auth/register", "2xx"): 1,
			request("POST", "/api/auth/login", "2xx"):    1,
			request("POST", "/api/auth/login", "4xx"):    1,
			request("POST", "/api/auth/login", "5xx"):    0,
			request("GET", "/api/demo", "2xx"):           3,
			request("GET", "/api/demo", "4xx"):           2,
			request("POST", "/api/demo", "2xx"):          1,
			request("GET", "/404", "4xx"):                1,
			request("GET", "-", "4xx"):                   2,
			request("-", "-", "4xx"):                     1,
			request("POST", "/api/auth/refresh", "2xx"):  3,

			`gatehouse_http_request_seconds_count{method="GET",route="/api/demo"}`: 5,
			`gatehouse_upstream_requests_total{route="/api/demo",status="2xx"}`:    4,
			`gatehouse_upstream_requests_total{route="/api/demo",status="4xx"}`:    1,
			`gatehouse_upstream_response_seconds_count{route="/api/demo"}`:         5,

			`gatehouse_refreshes_total{outcome="rotated"}`:  1,
			`gatehouse_refreshes_total{outcome="redated"}`:  0,
			`gatehouse_refreshes_total{outcome="replayed"}`: 1,
			`gatehouse_refreshes_total{outcome="served"}`:   1,
			`gatehouse_refreshes_total{outcome="stolen"}`:   1,
			`gatehouse_refreshes_total{outcome="gone"}`:     0,
			`gatehouse_refreshes_total{outcome="revoked"}`:  1,

			`gatehouse_sign_ins_total{outcome="succeeded"}`:                                              1,
			`gatehouse_sign_ins_total{outcome="invalid_credentials"}`:                                    1,
			`gatehouse_limit_decisions_total{decision="allowed",limit="register"}`:                       1,
			`gatehouse_limit_decisions_total{decision="allowed",limit="signin"}`:                         2,
			`gatehouse_limit_decisions_total{decision="allowed",limit="failures"}`:                       2,
			`gatehouse_limit_decisions_total{decision="allowed",limit="refresh"}`:                        4,
			`gatehouse_password_hash_seconds_count`:                                                      3,
			`gatehouse_password_hashes_refused_total`:                                                    0,
			`gatehouse_password_hashes_running`:                                                          0,
			`gatehouse_password_hashes_waiting`:                                                          0,
			`gatehouse_revocation_lag_seconds_count`:                                                     1,
			`gatehouse_limits_in_memory`:                                                                 0,
			`gatehouse_settlements_pending`:                                                              0,
			`gatehouse_ready`:                                                                            1,
			`gatehouse_live_streams{kind="websocket"}`:                                                   0,
			`gatehouse_store_request_seconds_count{operation="create user",store="` + sqlStore(s) + `"}`: 1,
		}
		if s.Redis != nil {
			want[`gatehouse_store_request_seconds_count{operation="create session",store="redis"}`] = 1
		}
		s.AwaitMetrics(want)
		for name := range s.Scrape() {
			for _, secret := range []string{"-4711", "@", "%6D", "BREW"} {
				if strings.Contains(name, secret) {
					t.Errorf("a client wrote into a label: %s", name)
				}
			}
			if strings.Contains(name, "gatehouse_store_errors_total") || strings.Contains(name, "gatehouse_down") {
				t.Errorf("nothing was down: %s", name)
			}
		}
	})
}

func sqlStore(s *site.Harness) string {
	if s.Redis != nil {
		return "mysql"
	}
	return "sqlite"
}

func TestMetricsOfALimit(t *testing.T) {
	s := site.Embedded(t)
	s.Limited = true
	s.Start()
	for range 11 {
		s.Browser().Do("POST", "/api/auth/login", site.Object{"email": "a@example.com", "password": "x"})
	}
	s.AwaitMetrics(map[string]float64{
		`gatehouse_limit_decisions_total{decision="allowed",limit="signin"}`:         10,
		`gatehouse_limit_decisions_total{decision="refused",limit="signin"}`:         1,
		`gatehouse_limit_decisions_total{decision="allowed",limit="signin-account"}`: 10,
		`gatehouse_limit_decisions_total{decision="allowed",limit="failures"}`:       5,
		`gatehouse_limit_decisions_total{decision="refused",limit="failures"}`:       5,
		`gatehouse_sign_ins_total{outcome="too_many_attempts"}`:                      6,
		`gatehouse_sign_ins_total{outcome="invalid_credentials"}`:                    5,
	})
}

func TestMetricsOfAnOutage(t *testing.T) {
	s := site.OnServices(t).Start()
	b := s.Member("ada@example.com")
	s.Redis.Stop()
	b.Do("POST", "/api/auth/refresh", nil).Want(t, 503)
	// Redis away, and only Redis.
	s.AwaitMetrics(map[string]float64{
		`gatehouse_ready`: 0, `gatehouse_down{what="redis"}`: 1, `gatehouse_down{what="mysql"}`: -1, `gatehouse_limits_in_memory`: 1,
	})
	all := s.Scrape()
	for _, operation := range []string{"get session", "ping", "follow revocations", "count for a limit"} {
		if all[`gatehouse_store_errors_total{operation="`+operation+`",store="redis"}`] == 0 {
			t.Errorf("no error of %q was counted", operation)
		}
	}
	s.Redis.Start()
	s.Eventually("the session to be renewed", func() bool { return b.Do("POST", "/api/auth/refresh", nil).StatusCode == http.StatusOK })
	s.AwaitMetrics(map[string]float64{`gatehouse_ready`: 1, `gatehouse_down{what="redis"}`: -1, `gatehouse_limits_in_memory`: 0})
}

func TestMetricsOfUpstreams(t *testing.T) {
	dead := site.FreeAddr(t)
	hung := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hung:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(hung) })
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(make([]byte, 50_000)) // more than any buffer: without a header Go's client asks again
	}))
	t.Cleanup(half.Close)
	s := site.Embedded(t)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, site.PublicRow("/api/dead", "http://"+dead), site.PublicRow("/api/slow", slow.URL)+"\ntimeout: 50ms",
		site.PublicRow("/api/patient", slow.URL), site.PublicRow("/api/half", half.URL)).Name
	s.Start()
	b := s.Browser()
	b.Do("GET", "/api/dead", nil).Want(t, 502)
	b.Do("GET", "/api/slow", nil).Want(t, 504)
	resp, err := http.Get(s.Base + "/api/half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("half of an answer looks like the whole")
	}
	resp.Body.Close()
	hurried := &http.Client{Timeout: 100 * time.Millisecond}
	if _, err := hurried.Get(s.Base + "/api/patient"); err == nil {
		t.Error("an upstream that hangs has answered")
	}
	s.AwaitMetrics(map[string]float64{
		`gatehouse_upstream_errors_total{kind="unreachable",route="/api/dead"}`:    1,
		`gatehouse_upstream_errors_total{kind="timeout",route="/api/slow"}`:        1,
		`gatehouse_upstream_errors_total{kind="client_gone",route="/api/patient"}`: 1,
		`gatehouse_upstream_up{route="/api/dead",upstream="http://` + dead + `"}`:  0,
		`gatehouse_upstream_up{route="/api/half",upstream="` + half.URL + `"}`:     1,
		`gatehouse_http_answers_broken_off_total{route="/api/half"}`:               1,
		// Who hung up has seen no error of ours.
		`gatehouse_http_requests_total{method="GET",route="/api/patient",status="4xx"}`: 1,
		`gatehouse_http_requests_total{method="GET",route="/api/patient",status="5xx"}`: 0,
		`gatehouse_http_requests_total{method="GET",route="/api/dead",status="5xx"}`:    1,
	})
	line := regexp.MustCompile(`"level":"INFO","msg":"request","method":"GET","route":"/api/patient","status":499`)
	if !line.MatchString(s.Logs.String()) {
		t.Errorf("the client that hung up is not logged as 499:\n%s", s.Logs)
	}

	// It is back.
	alive := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	alive.Listener.Close()
	alive.Listener = listenAt(t, dead)
	alive.Start()
	t.Cleanup(alive.Close)
	b.Do("GET", "/api/dead", nil).Want(t, 200)
	s.AwaitMetrics(map[string]float64{`gatehouse_upstream_up{route="/api/dead",upstream="http://` + dead + `"}`: 1})
}

func TestMetricsOfLiveStreams(t *testing.T) {
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	conn, err := b.OpenSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	site.WantEcho(t, conn, "hello")
	stream := func(path string) func() {
		resp, err := b.Client.Get(s.Base + path)
		if err != nil {
			t.Fatal(err)
		}
		return func() { resp.Body.Close() }
	}
	endClock, endEvents := stream("/api/demo/clock"), stream("/api/auth/events")
	live := func(sockets, streams, watchers float64) map[string]float64 {
		return map[string]float64{
			`gatehouse_live_streams{kind="websocket"}`: sockets, `gatehouse_live_streams{kind="event_stream"}`: streams,
			`gatehouse_live_streams{kind="session_events"}`: watchers,
		}
	}
	s.AwaitMetrics(live(1, 1, 1))
	endClock()
	s.AwaitMetrics(live(1, 0, 1))
	endEvents()
	s.AwaitMetrics(live(1, 0, 0))
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	want := live(0, 0, 0)
	// Streams are counted, and their length is no latency.
	want[`gatehouse_http_requests_total{method="GET",route="/api/demo",status="1xx"}`] = 1
	want[`gatehouse_http_requests_total{method="GET",route="/api/demo",status="2xx"}`] = 1
	want[`gatehouse_http_request_seconds_count{method="GET",route="/api/demo"}`] = 0
	s.AwaitMetrics(want)
}

func listenAt(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
