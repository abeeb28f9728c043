package listener

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// Options are what CheckFraming needs beside a server.
type Options struct {
	Log *slog.Logger
	// Problem gives the whole response to a request that no handler has seen.
	// fault is nil where net/http refused the request.
	Problem func(status int, fault error) []byte
	// Refused is called with the status of each such response. It may be nil.
	Refused func(status int)
}

// CheckFraming makes server, which must serve the returned listener, refuse
// requests whose end could be read in two ways: no handler sees them, the
// response is 400, and the connection is closed. Where the fault is inside a body,
// the handler's read fails. CheckFraming also enforces the server's IdleTimeout and
// ReadHeaderTimeout (see headDeadline).
func CheckFraming(server *http.Server, l net.Listener, o Options) net.Listener {
	next := server.ConnState
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if checked, ok := c.(*checkedConn); ok {
			switch state {
			case http.StateHijacked:
				checked.hijacked.Store(true)
			case http.StateIdle:
				checked.responding.Store(false)
				n := checked.answered.Add(1)
				checked.deadline.requestEnded(checked.Conn, checked.checker.inHead(), checked.checker.heads > n)
			default:
			}
		}
		if next != nil {
			next(c, state)
		}
	}
	return &checkedListener{l, o, server.IdleTimeout, server.ReadHeaderTimeout}
}

type checkedListener struct {
	net.Listener
	o            Options
	idle, header time.Duration
}

func (l *checkedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &checkedConn{tcpConn: tcpConn{c}, o: l.o, deadline: headDeadline{idle: l.idle, header: l.header}}, nil
}

// checkedConn passes the bytes of a connection to net/http as they arrive, up to
// the first fault. Nothing is held back, so the server's deadlines keep their
// meaning.
type checkedConn struct {
	tcpConn
	o        Options
	checker  checker
	hijacked atomic.Bool // for a WebSocket: no HTTP from here on
	fault    error
	unpassed []byte // bytes read with the fault and after it
	poison   string // what net/http reads instead

	deadline headDeadline

	responding atomic.Bool  // from the first byte of a response to its last
	answered   atomic.Int64 // requests
}

func (c *checkedConn) Read(p []byte) (int, error) {
	if c.hijacked.Load() {
		if len(c.unpassed) > 0 { // frames sent before our 101, taken for a request
			n := copy(p, c.unpassed)
			c.unpassed = c.unpassed[n:]
			return n, nil
		}
		return c.Conn.Read(p)
	}
	if c.fault != nil {
		return c.readFault(p)
	}
	n, err := c.Conn.Read(p)
	good, fault := c.checker.checkBytes(p[:n])
	if errors.Is(err, os.ErrDeadlineExceeded) && c.deadline.headExpired() {
		// net/http sends nothing to a client that stops in a head.
		_ = c.refuse(http.StatusRequestTimeout, "the head did not come in time")
		return n, err // unchanged: for other errors net/http would write a response of its own
	}
	if n > 0 {
		if late := c.deadline.bytesRead(c.Conn, c.checker.heads > c.answered.Load()); late != nil && err == nil {
			err = late
		}
	}
	if fault == nil {
		return n, err
	}
	c.fault, c.unpassed, c.poison = fault, bytes.Clone(p[good:n]), c.checker.poison()
	c.o.Log.Info("malformed request refused", "peer", c.RemoteAddr().String(), "reason", fault.Error())
	if good > 0 {
		return good, nil
	}
	return c.readFault(p)
}

// SetReadDeadline and SetDeadline are called by net/http.
func (c *checkedConn) SetReadDeadline(t time.Time) error {
	if c.hijacked.Load() {
		return c.Conn.SetReadDeadline(t)
	}
	return c.deadline.setReadDeadline(c.Conn, t)
}

func (c *checkedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.Conn.SetWriteDeadline(t))
}

// maxUnpassed bounds the bytes kept behind a fault while earlier requests are
// answered.
const maxUnpassed = 64 << 10

// readFault waits until the requests before the faulty one are answered. net/http
// reads in the background to detect clients that leave: an error returned
// meanwhile would cancel a request that was good.
func (c *checkedConn) readFault(p []byte) (int, error) {
	for c.checker.ended > c.answered.Load() && len(c.unpassed) < maxUnpassed {
		more := make([]byte, 4<<10)
		n, err := c.Conn.Read(more)
		if c.unpassed = append(c.unpassed, more[:n]...); err != nil {
			return 0, err
		}
	}
	if n := copy(p, c.poison); n > 0 {
		c.poison = c.poison[n:]
		return n, nil
	}
	return 0, c.fault
}

// Write turns the refusals that net/http writes by itself into problems.
func (c *checkedConn) Write(p []byte) (int, error) {
	if !c.responding.Swap(true) { // later writes may be any bytes of a handler
		if status, reason, ok := refusalOfNetHTTP(p); ok {
			if c.fault == errExpectation {
				status = http.StatusExpectationFailed
			}
			if err := c.refuse(status, reason); err != nil {
				return 0, err
			}
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}
