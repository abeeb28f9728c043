//go:build !race

package proxy

import (
	"bufio"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

// allowed asserts how many allocations one call of f makes.
func allowed(t *testing.T, want float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(200, f); got > want {
		t.Errorf("%v allocations, allowed are %v", got, want)
	}
}

// browserHeader is what a browser sends with a call of a page.
var browserHeader = http.Header{
	"Accept": {"application/json"}, "Accept-Encoding": {"gzip, br"}, "Accept-Language": {"en"}, "Cookie": {"access_token=x; refresh_token=y"},
	"Referer": {"https://gate.example/dashboard"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"},
	"User-Agent": {"Mozilla/5.0"}, "Priority": {"u=1"}, "X-Request-Id": {"1"},
}

func TestAllocationsOfTheHeaderRules(t *testing.T) {
	p := New(Options{PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}, OwnCookies: ownCookies})
	table := mustTable(t, route.Config{Path: "/api/x", Upstreams: up(t)})
	in := &http.Request{Header: browserHeader}
	t.Run("request", func(t *testing.T) {
		ex, h := &exchange{proxy: p, Request: upstream.Request{Route: table.Routes()[0]}, Call: Call{Who: *ann, ClientIP: "192.0.2.1"}, bearer: "Bearer x"}, make(http.Header, 32)
		allowed(t, 1, func() { // the traceparent
			clear(h)
			maps.Copy(h, in.Header)
			ex.used = 0
			dropHopByHop(h)
			ex.rewriteRequestHeader(in, h)
		})
	})
	t.Run("answer", func(t *testing.T) {
		theirs := http.Header{"Content-Type": {"application/json"}, "Date": {"now"}, "Content-Length": {"2"}, "Server": {"x"}, "Etag": {`"1"`}, "Vary": {"Accept"}}
		ours := http.Header{"X-Content-Type-Options": {"nosniff"}, "X-Request-Id": {"1"}, "Content-Security-Policy": {"x"}}
		ex, h := &exchange{proxy: p, Request: upstream.Request{Route: table.Routes()[0]}}, make(http.Header, 32)
		allowed(t, 0, func() {
			clear(h)
			maps.Copy(h, theirs)
			dropHopByHop(h)
			ex.filterResponseHeader(h, ours)
		})
	})
}

// TestAllocationsOfAnExchange counts what lies between the handler's call and
// its return. Of the 29 net/http has 14: ReadResponse 9, Request.Write 5. Ours
// are the exchange, its watch over the client (3), the outgoing request (2), its
// header (4), the traceparent, the timer (2), the answer's body, and the rest.
func TestAllocationsOfAnExchange(t *testing.T) {
	backend := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 09:00:00 GMT\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")
		for {
			line, err := br.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				_, _ = c.Write(answer)
			}
		}
	})
	upstreams := upstream.New(upstream.Options{Now: time.Now})
	defer upstreams.Close()
	p := New(Options{
		Upstreams: upstreams,
		Mint:      func(route.Identity, string) (string, error) { return "Bearer x", nil },
		PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}, Now: time.Now, OwnCookies: ownCookies,
	})
	table := mustTable(t, route.Config{Path: "/api/x", Upstreams: []*url.URL{mustURL(t, backend)}})
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/x/a", nil)
	r.Header = browserHeader
	call := Call{Who: *ann, ClientIP: "192.0.2.1", Caller: &caller{onError: func(_ http.ResponseWriter, err *Error) { t.Error(err, err.Cause) }}}
	w := &answer{header: make(http.Header, 32)}
	allowed(t, 29, func() {
		clear(w.header)
		p.Forward(w, r, table.Decide("GET", "/api/x/a", ann), call)
	})
	if w.status != 200 || w.written != 11 {
		t.Errorf("%d, %d bytes", w.status, w.written)
	}
}

// answer is a ResponseWriter that keeps nothing.
type answer struct {
	header          http.Header
	status, written int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { a.written = len(p); return len(p), nil }
