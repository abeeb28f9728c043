package listener

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// WithStallTimeout makes the connections of l fail a Write when the client has
// read nothing of it for one to two times timeout, WebSockets included. Idle
// connections are not affected.
func WithStallTimeout(l net.Listener, timeout time.Duration) net.Listener {
	return &stallListener{l, timeout}
}

type stallListener struct {
	net.Listener
	timeout time.Duration
}

func (l *stallListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stallConn{tcpConn: tcpConn{c}, timeout: l.timeout}, nil
}

// stallConn keeps a write deadline that is extended only when it has passed: a
// Write that goes through reads no clock and makes no system call for it.
type stallConn struct {
	tcpConn
	timeout time.Duration

	mu    sync.Mutex
	armed bool // our deadline is set, and may have passed
	fixed bool // a deadline of the caller is set
}

func (c *stallConn) Write(p []byte) (written int, err error) {
	fresh := c.extendDeadline(false)
	for {
		n, err := c.Conn.Write(p[written:])
		written += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || fresh && n == 0 {
			return written, err
		}
		if fresh = c.extendDeadline(true); !fresh {
			return written, err
		}
	}
}

// extendDeadline reports whether the whole timeout is left from now on.
func (c *stallConn) extendDeadline(again bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed || c.armed && !again {
		return false
	}
	c.armed = true
	return c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)) == nil
}

// SetWriteDeadline and SetDeadline fix a deadline of the caller: it is not extended.
func (c *stallConn) SetWriteDeadline(t time.Time) error {
	return c.fixDeadline(t, c.Conn.SetWriteDeadline)
}

func (c *stallConn) SetDeadline(t time.Time) error { return c.fixDeadline(t, c.Conn.SetDeadline) }

func (c *stallConn) fixDeadline(t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixed, c.armed = !t.IsZero(), false
	return set(t)
}
