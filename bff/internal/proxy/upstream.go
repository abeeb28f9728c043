package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

const maxUpstreamHeader = 1 << 20 // bytes

// transports are the connection pools to all upstreams.
type transports struct {
	usual, h2c *http.Transport
	sync       syncTransport
}

func newTransports(roots *x509.CertPool, now func() time.Time) *transports {
	t := &transports{usual: newTransport(roots), h2c: newTransport(roots)}
	t.h2c.Protocols = new(http.Protocols)
	t.h2c.Protocols.SetUnencryptedHTTP2(true)
	t.sync.dial, t.sync.now = dialUpstream, now
	return t
}

// roundTrip sends the request of an exchange to u. Whether it is HTTP/2 must be
// known before the first byte: cleartext has no negotiation. A WebSocket's
// handshake is HTTP/1.1 (RFC 6455 §4.1), as it is beside HTTP/2 over TLS.
func (t *transports) roundTrip(u *upstream, ex *exchange, r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = route.URLScheme(u.scheme), u.host
	upgrade := len(r.Header["Upgrade"]) > 0
	switch {
	case u.scheme == route.SchemeH2C && !upgrade:
		return ex.sendOver(t.h2c, r)
	case u.sync && r.Body == nil && !upgrade:
		return t.sync.roundTrip(ex, r)
	default:
		return ex.sendOver(t.usual, r)
	}
}

// probe is a roundTrip of nobody's.
func (t *transports) probe(u *upstream, r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = route.URLScheme(u.scheme), u.host
	if u.scheme == route.SchemeH2C {
		return t.h2c.RoundTrip(r)
	}
	return t.usual.RoundTrip(r)
}

func (t *transports) CloseIdleConnections() {
	t.sync.CloseIdleConnections()
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
func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialUpstream(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return newUpstreamConn(conn), nil
		},
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // bodies pass as they are sent
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
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

// send sends the request of an exchange to one of its route's upstreams, and to
// a second one when that cannot do a thing twice.
func (p *Proxy) send(ex *exchange, r *http.Request) (*http.Response, error) {
	start := p.now()
	ex.startClock()
	res, err := p.attempt(ex, r)
	if err != nil && ex.mayRetry() {
		if other := ex.pool.pick(p.now, ex.upstream); other != nil && other != ex.upstream {
			ex.upstream = other
			again := r.WithContext(r.Context()) // the first attempt may still hold r
			u := *r.URL
			again.URL = &u
			if p.observe.Attempt != nil {
				again.Header = r.Header.Clone() // each attempt has a span of its own
			}
			res, err = p.attempt(ex, again)
		}
	}
	inTime := ex.stopClock()
	if err == nil && !inTime {
		res.Body.Close()
		return nil, errHeaderTimeout
	}
	if err == nil && p.observe.Answered != nil {
		p.observe.Answered(ex.route.Path, res.StatusCode, p.now().Sub(start))
	}
	return res, err
}

func (p *Proxy) attempt(ex *exchange, r *http.Request) (*http.Response, error) {
	res, err := p.observed(ex, r)
	if err == nil {
		ex.upstream.found()
		return res, nil
	}
	var dial *dialError
	if errors.As(err, &dial) && r.Context().Err() == nil {
		ex.upstream.lost.Store(true)
		if len(ex.pool.upstreams) > 1 {
			ex.upstream.downUntil.Store(p.now().Add(coolDown).UnixNano())
		}
	}
	return res, err
}

// mayRetry reports whether a second upstream may be asked, see mayBeSent. The
// row's timeout covers both.
func (ex *exchange) mayRetry() bool {
	return len(ex.pool.upstreams) > 1 && ex.cause() == nil && ex.mayBeSent()
}
