package proxy

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// connKey is for the connection of an upstream's request.
type connKey struct{}

// h2Upstream is an upstream that takes HTTP/2, with TLS or without, and
// HTTP/1.1 for WebSockets.
func h2Upstream(t *testing.T, withTLS bool, h http.HandlerFunc) (string, gateOption) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	if withTLS {
		srv.EnableHTTP2 = true
		srv.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(srv.Certificate())
		return srv.URL, func(o *gateOptions) { o.upstream.RootCAs = roots }
	}
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Start()
	return strings.Replace(srv.URL, "http:", "h2c:", 1), func(*gateOptions) {}
}

func TestHTTP2Upstreams(t *testing.T) {
	for scheme, withTLS := range map[string]bool{"https": true, "h2c": false} {
		t.Run(scheme, func(t *testing.T) {
			gone := make(chan struct{}, 1)
			upstream, option := h2Upstream(t, withTLS, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/socket":
					if c, err := websocket.Accept(w, r, nil); err == nil {
						c.Close(websocket.StatusNormalClosure, r.Proto)
					}
				case "/events":
					w.Header().Set("Content-Type", "text/event-stream")
					fmt.Fprint(w, "data: first\n\n")
					w.(http.Flusher).Flush()
					<-r.Context().Done()
					gone <- struct{}{}
				case "/moved":
					w.Header().Set("Location", "http://"+r.Host+"/there")
					if r.TLS != nil {
						w.Header().Set("Location", "https://"+r.Host+"/there")
					}
					w.WriteHeader(307)
				default:
					w.Header().Set("Trailer", "X-Sum, Set-Cookie")
					body, _ := io.ReadAll(r.Body)
					fmt.Fprintf(w, "%s %s %s %s %s", r.Proto, r.RequestURI, r.Header.Get("Authorization"), body, r.Trailer.Get("X-In"))
					w.Header().Set("X-Sum", "42")
					w.Header().Set("Set-Cookie", "access_token=EVIL")
				}
			})
			g := newGate(t, upstream, nil, option)
			res := g.raw(t, "POST /api/x/a%2Fb;c?d;e HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTrailer: X-In, X-User-Id\n\n5\nhello\n0\nX-In: 7\nX-User-Id: EVIL\n\n")
			b, _ := io.ReadAll(res.Body)
			if string(b) != "HTTP/2.0 /a%2Fb;c?d;e Bearer jwt-7-x hello 7" || res.Trailer.Get("X-Sum") != "42" || res.Trailer["Set-Cookie"] != nil {
				t.Errorf("%d %q, trailers %v", res.StatusCode, b, res.Trailer)
			}
			if res, _ := g.do(t, "GET", "/api/x/moved", nil); res.Header.Get("Location") != "/api/x/there" {
				t.Errorf("Location %q", res.Header.Get("Location"))
			}

			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			r, _ := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/x/events", nil)
			events, err := noRedirect.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer events.Body.Close()
			if s := readEvent(t, bufio.NewReader(events.Body)); s != "first" {
				t.Errorf("event %q", s)
			}
			leave()
			wait(t, "the upstream's end", gone)

			c, _, err := websocket.Dial(t.Context(), g.URL+"/api/x/socket", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			if _, _, err := c.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP/1.1") {
				t.Errorf("WebSocket: %v", err)
			}
		})
	}
}

// http:// never guesses HTTP/2, and h2c:// never falls back: what does not
// speak it is unreachable.
func TestCleartextHTTP2IsAsked(t *testing.T) {
	upstream, _ := h2Upstream(t, false, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	g := newGate(t, strings.Replace(upstream, "h2c:", "http:", 1), nil)
	if _, body := g.do(t, "GET", "/api/x", nil); body != "HTTP/1.1" {
		t.Errorf("http:// spoke %q", body)
	}
	old, _ := recorder(t, nil)
	g = newGate(t, strings.Replace(old, "http:", "h2c:", 1), nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 502 || g.last.Load().Kind != Unreachable {
		t.Errorf("h2c:// to an HTTP/1.1 upstream: %d", res.StatusCode)
	}
}
