package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// GuardFraming makes server, which is to serve the returned listener, refuse
// requests whose end could be read in two ways: with 400 and the end of the
// connection, before any handler sees them. Where the fault is inside a body,
// the handler's read fails. It also keeps server's IdleTimeout and
// ReadHeaderTimeout (see headDeadline).
func GuardFraming(server *http.Server, l net.Listener, log *slog.Logger) net.Listener {
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
	return &framedListener{l, log, server.IdleTimeout, server.ReadHeaderTimeout}
}

type framedListener struct {
	net.Listener
	log          *slog.Logger
	idle, header time.Duration
}

func (l *framedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &framedConn{Conn: c, log: l.log, deadline: headDeadline{idle: l.idle, header: l.header}}, nil
}

// framedConn shows net/http the bytes of a connection as they come, up to the
// first fault. Nothing is held back, so the server's deadlines stay what they
// are.
type framedConn struct {
	net.Conn
	log     *slog.Logger
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
	if n > 0 {
		if late := c.deadline.read(c.Conn, c.framing.heads > c.answered.Load()); late != nil && err == nil {
			err = late
		}
	}
	if fault == nil {
		return n, err
	}
	c.fault, c.rest, c.spoiler = fault, bytes.Clone(p[good:n]), c.framing.spoiler()
	c.log.Info("malformed request refused", "peer", c.RemoteAddr().String(), "reason", fault.Error())
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

// plainHead is what all answers have in common that net/http gives by itself,
// each in one piece, to heads that it cannot read. An answer of a handler has
// a Date at least.
const plainHead = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write gives those answers the form that all of ours have.
func (c *framedConn) Write(p []byte) (int, error) {
	if !c.answering.Swap(true) { // else p may be anything that a handler says
		if end := bytes.IndexByte(p, '\r'); end >= len("HTTP/1.1 400") && bytes.HasPrefix(p[end:], []byte(plainHead)) {
			status := string(p[len("HTTP/1.1 "):][:3])
			if c.fault == errExpectation {
				status = "417"
			}
			if _, err := c.Conn.Write(problemFor(status)); err != nil {
				return 0, err
			}
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

func problemFor(status string) []byte {
	code, _ := strconv.Atoi(status)
	return fmt.Appendf(nil, "HTTP/1.1 %s %s\r\nContent-Type: application/problem+json\r\nConnection: close\r\nCache-Control: no-store\r\n"+
		"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"+
		"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n\r\n"+
		`{"type":"urn:gatehouse:problem:malformed_request","title":"The request could not be read","status":%s,`+
		`"detail":"It is not well-formed HTTP/1.1, or could be read in two ways.","code":"malformed_request"}`, status, http.StatusText(code), status)
}

// CloseWrite is what net/http looks for to say goodbye: closing with unread
// bytes resets the connection, and the answer with it.
func (c *framedConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
