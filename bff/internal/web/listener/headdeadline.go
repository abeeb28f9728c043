package listener

import (
	"net"
	"sync"
	"time"
)

// headDeadline keeps the read deadlines of a connection outside of requests. A
// connection may be silent for idle, also before its first request: balancers
// keep connections for ten minutes, and open some before they need them. Once a
// head has begun, all of it has header to come. net/http gives a new connection
// only as long as a header, and one that is kept has the idle time for the first
// four bytes of the next head.
//
// Inside of a request deadlines are those of net/http and of handlers.
type headDeadline struct {
	idle, header time.Duration

	mu      sync.Mutex
	serving bool // a whole head has been read, and is not answered
	begun   bool // a part of the next head has been
	expired bool
}

// set is the connection's SetReadDeadline.
func (d *headDeadline) set(c net.Conn, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.serving:
		return c.SetReadDeadline(t)
	case d.begun: // has its deadline from its first byte on
		return nil
	default:
		return arm(c, d.idle)
	}
}

// read is called after bytes have come. whole: they complete a head that is to
// be answered.
func (d *headDeadline) read(c net.Conn, whole bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.serving: // those of a body, or of a head that is not waited for yet
	case whole:
		d.serving, d.begun = true, false
	case !d.begun:
		d.begun = true
		return arm(c, d.header)
	}
	return nil
}

// expire reports, once, that a head has begun and its time is over.
func (d *headDeadline) expire() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.begun && !d.serving && !d.expired
	d.expired = d.expired || first
	return first
}

// answered is called between two requests. Of the next one a part may have been
// read already, or a whole head.
func (d *headDeadline) answered(c net.Conn, part, whole bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.serving, d.begun = whole, part && !whole; d.begun {
		_ = arm(c, d.header) // fails on a closed connection only
	}
}

// arm: 0 is for ever, as in http.Server.
func arm(c net.Conn, after time.Duration) error {
	if after <= 0 {
		return c.SetReadDeadline(time.Time{})
	}
	return c.SetReadDeadline(time.Now().Add(after))
}
