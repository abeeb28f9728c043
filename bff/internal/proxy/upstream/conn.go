package upstream

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection of an http.Transport, which leaves three things
// open that a proxy has to know: whether the upstream has closed an idle
// connection at the moment at which the first byte is sent, whether a byte of a
// request was sent, and what the upstream has said when it takes no more of a
// body.
type conn struct {
	net.Conn
	check *connCheck

	// Of the request that has the connection.
	answerable bool // HTTP/1.1: the answer is on this connection alone
	reused     bool
	refused    bool
	begun      atomic.Bool             // a byte of it may have been sent
	request    atomic.Pointer[Request] // with a body

	once   sync.Once
	closed chan struct{} // or about to be
}

// answerWait is by the machine's clock. Tests do not wait for it.
const answerWait = 5 * time.Second

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, check: newConnCheck(c), closed: make(chan struct{})}
}

// connOf is nil for HTTP/2, whose connections are shared.
func connOf(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		c = secure.NetConn()
	}
	own, _ := c.(*conn)
	return own
}

func (c *conn) begin(q *Request, reused, refused bool) {
	c.answerable, c.reused, c.refused = true, reused, refused
	c.begun.Store(false)
	if !q.HasBody {
		q = nil
	}
	c.request.Store(q)
}

// Write asks an idle connection whether it is still open at the last moment: a
// client may have taken its time since the connection was chosen, and
// http.Transport hears of a close only when a goroutine of its own has run.
func (c *conn) Write(p []byte) (int, error) {
	if !c.begun.Load() {
		switch {
		case c.refused:
			return 0, errTwice
		case c.reused && canCheckConns && !c.check.openAndSilent():
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
func (c *conn) afterAnswer(err error) error {
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
func (c *conn) Close() error {
	c.letWritesFail()
	err := c.Conn.Close()
	if q := c.request.Swap(nil); q != nil && c.begun.Load() {
		q.Sender.UpstreamGone()
	}
	return err
}

// SetWriteDeadline is what crypto/tls calls before it writes the alert that comes
// before a Close.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.letWritesFail()
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) letWritesFail() { c.once.Do(func() { close(c.closed) }) }

// CloseWrite is for WebSockets, see carry.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
