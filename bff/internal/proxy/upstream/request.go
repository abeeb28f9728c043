package upstream

import (
	"errors"
	"net/textproto"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// ErrGone is the cause of a request whose upstream closed the connection before
// the end of the body.
var ErrGone = errors.New("the upstream has hung up before the end of the request's body")

// ErrBadStatus is for a status that a final response cannot have.
var ErrBadStatus = errors.New("the upstream answered with an impossible status")

// Request is one client request on its way to an upstream, and the context of each
// attempt. It is sent once.
type Request struct {
	Cancellation

	Route   *route.Route
	Sender  Sender
	Method  string
	HasBody bool

	pool     *pool
	upstream *upstream
	sends    int         // see maySend
	conn     *conn       // in use by an http.Transport; nil: none, or HTTP/2
	shared   bool        // it is HTTP/2
	stop     func(error) // cancels an attempt with an http.Transport
}

// Sender is the client's side of a Request.
type Sender interface {
	// Informational is called for each 1xx response. An error ends the attempt.
	Informational(code int, header textproto.MIMEHeader) error
	// RewindBody reports whether the body can be sent from its start, and has it
	// sent from there. It is called only when no byte of the request was sent.
	RewindBody() bool
	// UpstreamGone is called when the upstream has closed the connection that the
	// body is being sent on.
	UpstreamGone()
}

// Unsent reports whether the request is on a connection that was idle, and no byte
// of it has been written.
func (q *Request) Unsent() bool {
	c := q.conn
	return c != nil && c.reused && !c.begun.Load()
}

// DetachBody ends the calls of UpstreamGone.
func (q *Request) DetachBody() {
	if c := q.conn; c != nil {
		c.request.Store(nil)
	}
}
