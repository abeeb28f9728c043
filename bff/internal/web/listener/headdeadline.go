package listener

import (
	"net"
	"sync"
	"time"
)

// headDeadline sets the read deadlines of a connection outside of requests. A
// connection may be silent for idle, also before its first request: balancers
// keep connections for ten minutes, and open some before they need them. Once a
// head has begun, all of it must arrive within header. net/http gives a new
// connection only the header time, and a kept connection the idle time for the
// first four bytes of the next head.
//
// Inside of a request the deadlines of net/http and of handlers apply.
type headDeadline struct {
	idle, header time.Duration

	mu      sync.Mutex
	serving bool // a whole head has been read, and its request is not answered
	begun   bool // a part of the next head has been read
	expired bool
}

// setReadDeadline implements the connection's SetReadDeadline.
func (d *headDeadline) setReadDeadline(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.serving:
		return c.SetReadDeadline(t)
	case d.begun: // its deadline counts from its first byte
		return nil
	default:
		return readWithin(c, d.idle)
	}
}

// bytesRead is called after bytes have arrived. whole: they complete a head whose
// request must be answered.
func (d *headDeadline) bytesRead(c net.Conn, whole bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.serving: // bytes of a body, or of a head that has no deadline yet
	case whole:
		d.serving, d.begun = true, false
	case !d.begun:
		d.begun = true
		return readWithin(c, d.header)
	}
	return nil
}

// headExpired reports, once, that a head has begun and its time is over.
func (d *headDeadline) headExpired() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.begun && !d.serving && !d.expired
	d.expired = d.expired || first
	return first
}

// requestEnded is called between two requests. A part of the next head may have
// been read already, or all of it.
func (d *headDeadline) requestEnded(c net.Conn, part, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.serving, d.begun = whole, part && !whole; d.begun {
		_ = readWithin(c, d.header) // fails on a closed connection only
	}
}

// readWithin sets a read deadline; 0 removes it, as in http.Server.
func readWithin(c net.Conn, after time.Duration) error {
	if after <= 0 {
		return c.SetReadDeadline(time.Time{})
	}
	return c.SetReadDeadline(time.Now().Add(after))
}
