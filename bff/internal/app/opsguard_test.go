package app

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// opsHandler is the handler of a private listener on this address.
func opsHandler(configured, listening string, log *slog.Logger) http.Handler {
	addr, err := net.ResolveTCPAddr("tcp", listening)
	if err != nil {
		panic(err)
	}
	h := &health{now: time.Now}
	return newOpsGuard(configured, addr, log).wrap(h.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("metrics"))
	})))
}

// A page could read metrics and profiles under a name that resolved to this
// machine (DNS rebinding).
func TestOpsListenerHosts(t *testing.T) {
	for _, tt := range []struct {
		configured, listening string
		yes, no               []string
	}{
		{"127.0.0.1:9090", "127.0.0.1:9090",
			[]string{"127.0.0.1:9090", "localhost:9090", "LOCALHOST:9090", "localhost", "localhost.:9090", "[::1]:9090", "[::1]", "127.0.0.1", "127.0.0.2:9090", "localhost:19090", "[::ffff:127.0.0.1]:9090", ""},
			[]string{"evil.example:9090", "evil.example", "localhost.evil.example:9090", "127.0.0.1.evil.example", "10.0.0.5:9090", "gatehouse:9090", "a.local:9090", "[fe80::1]:9090",
				"127.1:9090", "2130706433", "0x7f.1", "0.0.0.0:9090", "[::]:9090", ":9090", ".", "[]", "localhost@evil.example", "localhost,evil.example", "127.0.0.1:9090:1"}},
		{"localhost:9090", "[::1]:9090", []string{"localhost:9090", "[::1]:9090", "127.0.0.1:9090"}, []string{"evil.example:9090", "10.0.0.5:9090"}},
		{"ops.test:9090", "127.0.0.1:9090", []string{"ops.test:9090", "localhost:9090"}, []string{"evil.example:9090", "sub.ops.test:9090"}},
		{":9090", "[::]:9090",
			[]string{"127.0.0.1:9090", "10.0.0.5:9090", "[fd00::5]:9090", "localhost:9090", "gatehouse-1:9090", "gatehouse.default.svc:9090",
				"gatehouse.default.svc.cluster.local:9090", "a.b.internal:9090", ""},
			[]string{"evil.example:9090", "evil.example", "10.0.0.5.evil.example:9090", "internal.evil.example", "local.:x.evil.example", ":9090"}},
		{"ops.example.com:9090", "10.0.0.5:9090", []string{"ops.example.com:9090", "OPS.example.com.:9090", "10.0.0.5:9090", "10.0.0.6:1"},
			[]string{"evil.example:9090", "ops.example.com.evil.example", "x.ops.example.com"}},
	} {
		h := opsHandler(tt.configured, tt.listening, slog.New(slog.DiscardHandler))
		for _, path := range []string{"/livez", "/readyz", "/metrics", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/heap"} {
			for want, hosts := range map[int][]string{200: tt.yes, 421: tt.no} {
				for _, host := range hosts {
					r := httptest.NewRequest("GET", path, nil)
					r.Host = host
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					if w.Code != want {
						t.Errorf("OPS_ADDR=%s, Host %q, %s: %d, want %d", tt.configured, host, path, w.Code, want)
					}
				}
			}
		}
	}
}

func TestOpsListenerKeepsPagesOut(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		header             []string
		want               int
	}{
		{"a program", "GET", "/debug/pprof/cmdline", nil, 200},
		{"a program, HEAD", "HEAD", "/metrics", nil, 200},
		{"a person who typed it", "GET", "/debug/pprof/", []string{"Sec-Fetch-Site", "none"}, 200},
		{"go tool pprof asks for names", "POST", "/debug/pprof/symbol", nil, 200},
		{"a page", "GET", "/metrics", []string{"Origin", "http://evil.example"}, 403},
		{"a page of this machine", "GET", "/metrics", []string{"Origin", "http://localhost:3000"}, 403},
		{"a sandboxed page", "GET", "/metrics", []string{"Origin", "null"}, 403},
		{"an image", "GET", "/debug/pprof/profile?seconds=60", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image"}, 403},
		{"an image of this machine", "GET", "/debug/pprof/trace", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a rebound page", "GET", "/debug/pprof/heap", []string{"Sec-Fetch-Site", "same-origin"}, 403},
		{"two values", "GET", "/metrics", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Site", "cross-site"}, 403},
		{"an empty value", "GET", "/metrics", []string{"Sec-Fetch-Site", ""}, 403},
		{"an image in an old browser", "GET", "/debug/pprof/profile", []string{"Referer", "http://evil.example/"}, 403},
		{"a page asks for names", "POST", "/debug/pprof/symbol", []string{"Origin", "http://evil.example"}, 403},
		{"a form", "POST", "/debug/pprof/profile", nil, 405},
		{"POST to metrics", "POST", "/metrics", nil, 405},
		{"POST to the index", "POST", "/debug/pprof/", nil, 405},
		{"DELETE", "DELETE", "/debug/pprof/heap", nil, 405},
		{"a preflight", "OPTIONS", "/metrics", []string{"Origin", "http://evil.example", "Access-Control-Request-Method", "GET"}, 403},
		{"nothing there, for a page", "GET", "/nowhere", []string{"Origin", "http://evil.example"}, 403},
		{"nothing there", "GET", "/nowhere", nil, 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			r := httptest.NewRequest(tt.method, tt.path, nil)
			r.Host = "127.0.0.1:9090"
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Add(tt.header[i], tt.header[i+1])
			}
			w := httptest.NewRecorder()
			opsHandler("127.0.0.1:9090", "127.0.0.1:9090", slog.New(slog.NewTextHandler(&log, nil))).ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("%d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if refused := tt.want == 403 || tt.want == 405; refused != strings.Contains(log.String(), "refused at the private listener") {
				t.Errorf("log: %s", log.String())
			}
			if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("header: %v", h)
			}
		})
	}
}
