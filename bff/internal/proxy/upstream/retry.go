package upstream

import (
	"errors"
	"net/http"
)

// maxSends is how often a request may reach upstreams, all of them and all of
// their connections together. One that crashed its backend was repeated on every
// idle connection, until no backend was left.
const maxSends = 2

var (
	errStaleConn = errors.New("the upstream has closed the idle connection")
	errTwice     = errors.New("the upstream dropped the connection, and so did the one that was sent the repetition")
)

// maySend reports whether the request may go out, on another connection where
// it has been on one before.
//
// A request of which no byte was sent may, whatever its method: the connection
// could not be made, was found closed before the first byte, or took none. Of
// the others only those that are idempotent and have no body may, once; other
// methods must not be repeated by a proxy (RFC 9110 §9.2.2), Idempotency-Key or
// not. What an HTTP/2 upstream declares not to have processed (RFC 9113 §8.7) is
// sent again by http.Transport, and does not count.
func (q *Request) maySend() bool {
	if q.sends == 0 {
		return !q.HasBody || q.Sender.RewindBody()
	}
	return q.sends < maxSends && !q.HasBody && idempotent(q.Method)
}

// mayRetryElsewhere reports whether the request may be sent to another upstream.
// The row's timeout covers both.
func (q *Request) mayRetryElsewhere() bool {
	return len(q.pool.upstreams) > 1 && q.Cause() == nil && q.maySend()
}

// mayRetryInline is for the inline transport. The upstream may have closed an idle
// connection while the request was on its way to it; a new connection is not closed
// for that reason.
func (q *Request) mayRetryInline(reused, answered bool) bool {
	return reused && !answered && q.maySend()
}

// mayRetryPooled is for http.Transport, which does not repeat a request with a
// body, because it cannot read it again, nor a POST or DELETE without one when it
// reads the end of the connection before it writes: it does not check whether a
// byte was sent then.
func (q *Request) mayRetryPooled(reused bool) bool {
	return reused && q.sends == 0 && q.maySend()
}

// idempotent as RFC 9110 §9.2.2 has it.
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}
