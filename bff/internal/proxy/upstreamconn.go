package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// upstreamConn is a connection of an http.Transport, which leaves three things
// open that a proxy has to know: whether the upstream has closed an idle
// connection at the moment at which the first byte is sent, whether a byte of a
// request was sent, and what the upstream has said when it takes no more of a
// body.
type upstreamConn struct {
	net.Conn
	asker *connAsker

	// Of the request that has the connection.
	answerable bool // HTTP/1.1: the answer is on this connection alone
	reused     bool
	refused    bool
	begun      atomic.Bool // a byte of it may have been sent
	body       atomic.Pointer[requestBody]

	once   sync.Once
	closed chan struct{} // or about to be
}

// answerWait is by the machine's clock. Tests do not wait for it.
const answerWait = 5 * time.Second

func newUpstreamConn(conn net.Conn) *upstreamConn {
	return &upstreamConn{Conn: conn, asker: newConnAsker(conn), closed: make(chan struct{})}
}

// upstreamConnOf is nil for HTTP/2, whose connections are shared.
func upstreamConnOf(conn net.Conn) *upstreamConn {
	if secure, ok := conn.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		conn = secure.NetConn()
	}
	c, _ := conn.(*upstreamConn)
	return c
}

func (c *upstreamConn) begin(body *requestBody, reused, refused bool) {
	c.answerable, c.reused, c.refused = true, reused, refused
	c.begun.Store(false)
	c.body.Store(body)
}

// Write asks an idle connection whether it is still open at the last moment: a
// client may have taken its time since the connection was chosen, and
// http.Transport hears of a close only when a goroutine of its own has run.
func (c *upstreamConn) Write(p []byte) (int, error) {
	if !c.begun.Load() {
		switch {
		case c.refused:
			return 0, errTwice
		case c.reused && canAskConns && !c.asker.ask():
			return 0, errStaleConn
		}
		c.begun.Store(true)
		n, err := c.Conn.Write(p)
		if err != nil && n == 0 {
			c.begun.Store(false)
			return 0, err
		}
		return n, c.afterAnswer(err)
	}
	n, err := c.Conn.Write(p)
	return n, c.afterAnswer(err)
}

// afterAnswer holds the error of a Write back until the answer has been read. An
// upstream that refuses a body answers and closes; http.Transport takes a failed
// Write for the end of the exchange, and the answer was lost now and then. It
// closes the connection when the answer is over or does not come. The wait has an
// end of its own, because crypto/tls writes alerts while it reads.
func (c *upstreamConn) afterAnswer(err error) error {
	if err != nil && c.answerable && !errors.Is(err, net.ErrClosed) {
		select {
		case <-c.closed:
		case <-time.After(answerWait):
		}
	}
	return err
}

// Close has the client's body given up, which http.Transport would read on: it
// does not return before, and a client that had stopped sending got a 408 after
// half a minute for an upstream that was gone.
func (c *upstreamConn) Close() error {
	c.letWritesFail()
	err := c.Conn.Close()
	if body := c.body.Swap(nil); body != nil && c.begun.Load() {
		body.ex.upstreamGone()
	}
	return err
}

// SetWriteDeadline is what crypto/tls calls before it writes the alert that comes
// before a Close.
func (c *upstreamConn) SetWriteDeadline(t time.Time) error {
	c.letWritesFail()
	return c.Conn.SetWriteDeadline(t)
}

func (c *upstreamConn) letWritesFail() { c.once.Do(func() { close(c.closed) }) }

// CloseWrite is for WebSockets, see carry.
func (c *upstreamConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// sendOver sends r with t, which may use several connections one after the
// other by itself.
func (ex *exchange) sendOver(t *http.Transport, r *http.Request) (*http.Response, error) {
	for {
		res, err := t.RoundTrip(ex.tracing(r))
		if err == nil {
			return res, nil
		}
		if why := ex.cause(); why != nil && why != errUpstreamGone {
			return nil, why
		}
		// What http.Transport does not do for a body, which it cannot read again, and
		// for a POST or DELETE without one when it reads the end of the connection
		// before it writes: it does not look whether a byte was sent then.
		reused := ex.conn != nil && ex.conn.reused
		ex.countSend()
		if !reused || ex.sends > 0 || !ex.mayBeSent() {
			return nil, err
		}
	}
}

// tracing has an http.Transport tell of each 1xx and of each connection.
func (ex *exchange) tracing(r *http.Request) *http.Request {
	ctx, stop := context.WithCancelCause(r.Context())
	ex.stop = stop
	return r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: ex.informational, GotConn: ex.gotConn}))
}

// gotConn is called before the request is sent on a connection, which it is not
// when it has been sent often enough: http.Transport itself goes on until it has
// used every idle one.
func (ex *exchange) gotConn(info httptrace.GotConnInfo) {
	c := upstreamConnOf(info.Conn)
	if c == nil {
		ex.shared = true // several times, where the upstream has refused the stream
		return
	}
	ex.countSend()
	ok := ex.mayBeSent()
	if !ok {
		ex.stop(errTwice)
	}
	c.begin(ex.body, info.Reused, !ok)
	ex.conn = c
}

// countSend counts what is over on the connection that was used last.
func (ex *exchange) countSend() {
	switch c := ex.conn; {
	case c != nil:
		c.body.Store(nil)
		if c.begun.Load() {
			ex.sends++
		}
		ex.conn = nil
	case ex.shared:
		ex.sends++
		ex.shared = false
	}
}
