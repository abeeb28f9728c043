package upstream

import (
	"context"
	"net/http"
	"net/http/httptrace"
)

// sendPooled sends r with t, which may use several connections one after the
// other by itself.
func (q *Request) sendPooled(t *http.Transport, r *http.Request) (*http.Response, error) {
	for {
		res, err := t.RoundTrip(q.tracing(r))
		if err == nil {
			return res, nil
		}
		if why := q.Cause(); why != nil && why != ErrGone {
			return nil, why
		}
		reused := q.conn != nil && q.conn.reused
		q.countSend()
		if !q.mayRetryPooled(reused) {
			return nil, err
		}
	}
}

// tracing has an http.Transport tell of each 1xx and of each connection.
func (q *Request) tracing(r *http.Request) *http.Request {
	ctx, stop := context.WithCancelCause(r.Context())
	q.stop = stop
	return r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: q.Sender.Informational, GotConn: q.gotConn}))
}

// gotConn is called before the request is sent on a connection, which it is not
// when it has been sent often enough: http.Transport itself goes on until it has
// used every idle one.
func (q *Request) gotConn(info httptrace.GotConnInfo) {
	c := connOf(info.Conn)
	if c == nil {
		q.shared = true // several times, where the upstream has refused the stream
		return
	}
	q.countSend()
	ok := q.maySend()
	if !ok {
		q.stop(errTwice)
	}
	c.begin(q, info.Reused, !ok)
	q.conn = c
}

// countSend counts what is over on the connection that was used last.
func (q *Request) countSend() {
	switch c := q.conn; {
	case c != nil:
		c.request.Store(nil)
		if c.begun.Load() {
			q.sends++
		}
		q.conn = nil
	case q.shared:
		q.sends++
		q.shared = false
	}
}
