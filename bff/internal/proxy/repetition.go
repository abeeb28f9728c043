package proxy

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

// mayBeSent reports whether the request may go out, on another connection where
// it has been on one before.
//
// A request of which no byte was sent may, whatever its method: the connection
// could not be made, was found closed before the first byte, or took none. Of
// the others only those that are idempotent and have no body may, once; other
// methods must not be repeated by a proxy (RFC 9110 §9.2.2), Idempotency-Key or
// not. What an HTTP/2 upstream declares not to have processed (RFC 9113 §8.7) is
// sent again by http.Transport, and does not count.
func (ex *exchange) mayBeSent() bool {
	if ex.sends == 0 {
		return ex.body == nil || ex.body.rewind()
	}
	return ex.sends < maxSends && ex.body == nil && idempotent(ex.in.Method)
}

// idempotent as RFC 9110 §9.2.2 has it.
func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}
