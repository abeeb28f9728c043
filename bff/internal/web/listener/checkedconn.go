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

// Options are what GuardFraming needs beside a server.
type Options struct {
	Log *slog.Logger
	// Problem gives the whole response to a request that no handler has seen.
	// fault is nil where net/http refused the request.
	Problem func(status int, fault error) []byte
	// Refused is called with the status of each such response. It may be nil.
	Refused func(status int)
}

// GuardFraming makes server, which is to serve the returned listener, refuse
// requests whose end could be read in two ways: with 400 and the end of the
// connection, before any handler sees them. Where the fault is inside a body,
// the handler's read fails. It also keeps server's IdleTimeout and
// ReadHeaderTimeout (see headDeadline).
func GuardFraming(server *http.Server, l net.Listener, o Options) net.Listener {
	next := server.ConnState
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if framed, ok := c.(*framedConn); ok {
			switch state {
			case http.StateHijacked:
				framed.taken.Store(true)
			case http.StateIdle:
				framed.answering.Store(false)
				n := framed.answered.Add(1)
				framed.deadline.answered(framed.Conn, framed.framing.inHead(), framed.framing.heads > n)
			default:
			}
		}
		if next != nil {
			next(c, state)
		}
	}
	return &framedListener{l, o, server.IdleTimeout, server.ReadHeaderTimeout}
}

type framedListener struct {
	net.Listener
	o            Options
	idle, header time.Duration
}

func (l *framedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &framedConn{tcpConn: tcpConn{c}, o: l.o, deadline: headDeadline{idle: l.idle, header: l.header}}, nil
}

// framedConn shows net/http the bytes of a connection as they come, up to the
// first fault. Nothing is held back, so the server's deadlines stay what they
// are.
type framedConn struct {
	tcpConn
	o       Options
	framing framing
	taken   atomic.Bool // for a WebSocket: no HTTP from here on
	fault   error
	rest    []byte // what was read with the fault and after it
	spoiler string // what is shown instead

	deadline headDeadline

	answering atomic.Bool  // since an answer's first byte, to its last
	answered  atomic.Int64 // requests
}

func (c *framedConn) Read(p []byte) (int, error) {
	if c.taken.Load() {
		if len(c.rest) > 0 { // frames that were sent before our 101, taken for a request
			n := copy(p, c.rest)
			c.rest = c.rest[n:]
			return n, nil
		}
		return c.Conn.Read(p)
	}
	if c.fault != nil {
		return c.readFault(p)
	}
	n, err := c.Conn.Read(p)
	good, fault := c.framing.follow(p[:n])
	if errors.Is(err, os.ErrDeadlineExceeded) && c.deadline.expire() {
		// net/http says nothing to a client that stops in a head.
		_ = c.refuse(http.StatusRequestTimeout, "the head did not come in time")
		return n, err // as it is: for another one net/http would have an answer of its own
	}
	if n > 0 {
		if late := c.deadline.read(c.Conn, c.framing.heads > c.answered.Load()); late != nil && err == nil {
			err = late
		}
	}
	if fault == nil {
		return n, err
	}
	c.fault, c.rest, c.spoiler = fault, bytes.Clone(p[good:n]), c.framing.spoiler()
	c.o.Log.Info("malformed request refused", "peer", c.RemoteAddr().String(), "reason", fault.Error())
	if good > 0 {
		return good, nil
	}
	return c.readFault(p)
}

// SetReadDeadline and SetDeadline are net/http's.
func (c *framedConn) SetReadDeadline(t time.Time) error {
	if c.taken.Load() {
		return c.Conn.SetReadDeadline(t)
	}
	return c.deadline.set(c.Conn, t)
}

func (c *framedConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.Conn.SetWriteDeadline(t))
}

// maxRest is what may come behind a fault while an answer is waited for.
const maxRest = 64 << 10

// readFault waits until the requests before the faulty one are answered: what
// net/http reads meanwhile is to hear of a client that leaves, and an error
// would take the answer from one whose request was good.
func (c *framedConn) readFault(p []byte) (int, error) {
	for c.framing.ended > c.answered.Load() && len(c.rest) < maxRest {
		more := make([]byte, 4<<10)
		n, err := c.Conn.Read(more)
		if c.rest = append(c.rest, more[:n]...); err != nil {
			return 0, err
		}
	}
	if n := copy(p, c.spoiler); n > 0 {
		c.spoiler = c.spoiler[n:]
		return n, nil
	}
	return 0, c.fault
}

// Write gives what net/http answers by itself the form that all of ours have.
func (c *framedConn) Write(p []byte) (int, error) {
	if !c.answering.Swap(true) { // else p may be anything that a handler says
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
