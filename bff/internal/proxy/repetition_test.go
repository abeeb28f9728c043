package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// crasher is an upstream that answers well until it is told to crash: from then
// on it drops each connection on which a request comes, and counts them.
type crasher struct {
	url      string
	arrived  chan struct{} // one for each request before that
	answer   chan struct{} // closed to have them answered
	crashing atomic.Bool
	hits     atomic.Int64
}

// newCrasher speaks HTTP/1.1, over TLS if there is a certificate.
func newCrasher(t *testing.T, cert *tls.Certificate) *crasher {
	t.Helper()
	u := &crasher{arrived: make(chan struct{}, 1), answer: make(chan struct{})}
	u.url = rawUpstream(t, func(c net.Conn, _ *bufio.Reader) {
		if cert != nil {
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
		}
		br := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if u.crashing.Load() {
				u.hits.Add(1)
				return
			}
			u.arrived <- struct{}{}
			<-u.answer
			_, _ = io.Copy(io.Discard, r.Body)
			if _, err := io.WriteString(c, twoBytes); err != nil {
				return
			}
		}
	})
	if cert != nil {
		u.url = strings.Replace(u.url, "http:", "https:", 1)
	}
	return u
}

// A GET whose upstream dropped the connection was sent again on each idle
// connection, to the other upstream too, by http.Transport as well as by us: a
// request that crashes its backend, until no backend was left.
func TestRequestThatCrashesItsUpstreamIsRepeatedOnceAtMost(t *testing.T) {
	const idle = 4 // connections to each upstream, in each of the pools
	certificates := httptest.NewTLSServer(nil)
	defer certificates.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	for _, transport := range []string{"http", "https"} {
		for _, upstreams := range []int{1, 2} {
			for request, want := range map[string]int64{
				"GET": 2, "HEAD": 2, "OPTIONS": 2, "PUT": 2, "DELETE": 2, "POST": 1, "PATCH": 1,
				"GET with a body": 1, "PUT with a body": 1, "POST with a body": 1,
				"POST with Idempotency-Key": 1, "GET, a WebSocket": 2,
			} {
				t.Run(fmt.Sprint(transport, " ", upstreams, " ", request), func(t *testing.T) {
					var all []*crasher
					var urls []string
					for range upstreams {
						var cert *tls.Certificate
						if transport == "https" {
							cert = &certificates.TLS.Certificates[0]
						}
						u := newCrasher(t, cert)
						all, urls = append(all, u), append(urls, u.url)
					}
					g := newGate(t, strings.Join(urls, " "), nil, func(o *gateOptions) { o.upstream.RootCAs = roots })
					var clients sync.WaitGroup
					warm := func(n int, method, body string) { // each of them needs a connection of its own
						for range n {
							clients.Go(func() {
								if res, _ := g.do(t, method, "/api/x", strings.NewReader(body)); res.StatusCode != 200 {
									t.Error(res.Status)
								}
							})
						}
						for i := range n {
							<-all[i%upstreams].arrived
						}
					}
					if transport == "http" {
						warm(idle*upstreams, "GET", "") // of connections of our own
					}
					warm(idle*upstreams, "POST", "with a body") // http.Transport's
					for _, u := range all {
						close(u.answer)
					}
					clients.Wait()
					for _, u := range all {
						u.crashing.Store(true)
					}

					method, rest, _ := strings.Cut(request, " ")
					method = strings.TrimSuffix(method, ",")
					var body io.Reader
					var header []string
					switch {
					case strings.Contains(rest, "body"):
						body = strings.NewReader("hello")
					case strings.Contains(rest, "Key"):
						header = []string{"Idempotency-Key", "1"}
					case strings.Contains(rest, "WebSocket"):
						header = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version", "13"}
					}
					res, _ := g.do(t, method, "/api/x", body, header...)
					if upstreams == 1 && (strings.Contains(rest, "WebSocket") || transport == "https" && (method == "PUT" || method == "DELETE")) {
						want = 1 // on a new connection, and what http.Transport does not repeat
					}
					var hits int64
					for _, u := range all {
						hits += u.hits.Load()
					}
					if res.StatusCode != 502 || hits != want {
						t.Errorf("%s, sent %d times, want %d", res.Status, hits, want)
					}
				})
			}
		}
	}
}

// Streams of HTTP/2 that are reset, or whose connection breaks, count as sent.
func TestRepetitionOverHTTP2(t *testing.T) {
	for scheme, withTLS := range map[string]bool{"https": true, "h2c": false} {
		for _, how := range []string{"stream", "connection"} {
			for request, want := range map[string]int64{"GET": 2, "DELETE": 2, "POST": 1, "PUT with a body": 1} {
				t.Run(fmt.Sprint(scheme, " ", how, " ", request), func(t *testing.T) {
					var hits atomic.Int64
					var crashing atomic.Bool
					handler := func(w http.ResponseWriter, r *http.Request) {
						if !crashing.Load() {
							return
						}
						hits.Add(1)
						if how == "connection" {
							_ = r.Context().Value(connKey{}).(net.Conn).Close()
						}
						panic(http.ErrAbortHandler)
					}
					one, option := h2Upstream(t, withTLS, handler)
					two, _ := h2Upstream(t, withTLS, handler) // with the same certificate
					g := newGate(t, one+" "+two, nil, option)
					for range 4 {
						if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 200 {
							t.Fatal(res.Status)
						}
					}
					crashing.Store(true)
					method, rest, _ := strings.Cut(request, " ")
					var body io.Reader
					if rest != "" {
						body = strings.NewReader("hello")
					}
					if res, _ := g.do(t, method, "/api/x", body); res.StatusCode != 502 || hits.Load() != want {
						t.Errorf("%s, sent %d times, want %d", res.Status, hits.Load(), want)
					}
				})
			}
		}
	}
}
