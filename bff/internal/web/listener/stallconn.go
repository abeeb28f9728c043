package listener

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// GiveUpReaders makes the connections of l fail a Write when their client
// takes nothing of it for one to two times stall, WebSockets included. Who writes nothing is not held to anything.
func GiveUpReaders(l net.Listener, stall time.Duration) net.Listener {
	return &patientListener{l, stall}
}

type patientListener struct {
	net.Listener
	stall time.Duration
}

func (l *patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &patientConn{tcpConn: tcpConn{c}, stall: l.stall}, nil
}

// patientConn keeps a write deadline that is moved on only when it has passed:
// nothing is asked of a clock, or of the kernel, for a Write that goes through.
type patientConn struct {
	tcpConn
	stall time.Duration

	mu    sync.Mutex
	armed bool // our deadline is set, however long ago
	fixed bool // somebody else's is
}

func (c *patientConn) Write(p []byte) (written int, err error) {
	fresh := c.arm(false)
	for {
		n, err := c.Conn.Write(p[written:])
		written += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || fresh && n == 0 {
			return written, err
		}
		if fresh = c.arm(true); !fresh {
			return written, err
		}
	}
}

// arm reports whether a whole stall is left from here.
func (c *patientConn) arm(again bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed || c.armed && !again {
		return false
	}
	c.armed = true
	return c.Conn.SetWriteDeadline(time.Now().Add(c.stall)) == nil
}

// A deadline that is set from outside counts as it is.
func (c *patientConn) SetWriteDeadline(t time.Time) error { return c.fix(t, c.Conn.SetWriteDeadline) }

func (c *patientConn) SetDeadline(t time.Time) error { return c.fix(t, c.Conn.SetDeadline) }

func (c *patientConn) fix(t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fixed, c.armed = !t.IsZero(), false
	return set(t)
}
