package proxy

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestRetry(t *testing.T) {
	// resets accepts, reads a request and closes: something was sent.
	var hits atomic.Int64
	resets := rawUpstream(t, func(_ net.Conn, br *bufio.Reader) {
		hits.Add(1)
		_, _ = http.ReadRequest(br)
	})
	dead := deadUpstream(t)
	for _, tt := range []struct {
		name, first, method, body string
		status                    int
	}{
		{"dead, GET", dead, "GET", "", 200},
		{"dead, POST with body: nothing was sent", dead, "POST", "hello", 200},
		{"reset, GET", resets, "GET", "", 200},
		{"reset, DELETE", resets, "DELETE", "", 200},
		{"reset, PUT with body", resets, "PUT", "hello", 502},
		{"reset, POST", resets, "POST", "", 502},
		{"reset, PATCH", resets, "PATCH", "", 502},
		{"reset, POST with body", resets, "POST", "hello", 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hits.Store(0)
			var served atomic.Int64
			good := upstreamFunc(t, func(_ http.ResponseWriter, r *http.Request) {
				served.Add(1)
				var b strings.Builder
				_, _ = bufio.NewReader(r.Body).WriteTo(&b)
				if b.String() != tt.body {
					t.Errorf("body %q", b.String())
				}
			})
			g := newGate(t, good+" "+tt.first, nil) // the second one's turn is first
			res, _ := g.do(t, tt.method, "/api/x", strings.NewReader(tt.body))
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
			if n := hits.Load() + served.Load(); tt.status == 502 && n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestNoRetryAfterTimeoutOrWithoutAnother(t *testing.T) {
	var hits atomic.Int64
	hang := make(chan struct{})
	defer close(hang)
	silent := func() string {
		return rawUpstream(t, func(_ net.Conn, br *bufio.Reader) { hits.Add(1); _, _ = br.ReadString('\n'); <-hang })
	}
	g := newGate(t, silent()+" "+silent(), func(r *route.Config) { r.Timeout = 50 * time.Millisecond })
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 504 || hits.Load() != 1 {
		t.Errorf("status %d, asked %d times", res.StatusCode, hits.Load())
	}
	g = newGate(t, deadUpstream(t)+" "+deadUpstream(t), nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 502 {
		t.Errorf("status %d", res.StatusCode)
	}
}
