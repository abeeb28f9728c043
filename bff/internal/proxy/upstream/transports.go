package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

const maxUpstreamHeader = 1 << 20 // bytes

// transports are the connection pools to all upstreams.
type transports struct {
	usual, h2c *http.Transport
	inline     inlineTransport
}

func newTransports(o Options) *transports {
	t := &transports{usual: newTransport(o), h2c: newTransport(o)}
	t.h2c.Protocols = new(http.Protocols)
	t.h2c.Protocols.SetUnencryptedHTTP2(true)
	t.inline.dial, t.inline.now = dialUpstream, o.Now
	return t
}

// roundTrip sends a request to its upstream. Whether it is HTTP/2 must be
// known before the first byte: cleartext has no negotiation. A WebSocket's
// handshake is HTTP/1.1 (RFC 6455 §4.1), as it is beside HTTP/2 over TLS.
func (t *transports) roundTrip(q *Request, r *http.Request) (*http.Response, error) {
	u := q.upstream
	r.URL.Scheme, r.URL.Host = route.URLScheme(u.scheme), u.host
	upgrade := len(r.Header["Upgrade"]) > 0
	switch {
	case u.scheme == route.SchemeH2C && !upgrade:
		return q.sendPooled(t.h2c, r)
	case u.inline && r.Body == nil && !upgrade:
		return t.inline.roundTrip(q, r)
	default:
		return q.sendPooled(t.usual, r)
	}
}

// probe sends a health check.
func (t *transports) probe(u *upstream, r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = route.URLScheme(u.scheme), u.host
	if u.scheme == route.SchemeH2C {
		return t.h2c.RoundTrip(r)
	}
	return t.usual.RoundTrip(r)
}

func (t *transports) closeIdle() {
	t.inline.closeIdle()
	t.usual.CloseIdleConnections()
	t.h2c.CloseIdleConnections()
}

var upstreamDialer = net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}

func dialUpstream(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := upstreamDialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

// newTransport makes a connection pool. It never asks the
// environment for a proxy: HTTP_PROXY set for something else would carry
// identity tokens off.
func newTransport(o Options) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialUpstream(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return newConn(conn), nil
		},
		TLSClientConfig:       &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // bodies pass as they are sent
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: cmp.Or(o.ExpectContinueTimeout, time.Second),
		// Upstreams are ours, so this bounds accidents rather than attacks.
		MaxResponseHeaderBytes: maxUpstreamHeader,
		// All requests to an upstream may share one HTTP/2 connection: when it
		// hangs, none of them would ever notice.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// dialError marks a failure after which nothing can have been sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }
