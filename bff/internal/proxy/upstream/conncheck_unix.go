//go:build unix

package upstream

import (
	"net"
	"syscall"
)

// canCheckConns: a connection can be asked whether it is open and has nothing to
// say.
const canCheckConns = true

// connCheck looks at a connection without waiting for it.
type connCheck struct {
	raw    syscall.RawConn // nil: one that cannot be asked
	look   func(fd uintptr)
	silent bool
}

func newConnCheck(conn net.Conn) *connCheck {
	a := &connCheck{}
	if sc, ok := conn.(syscall.Conn); ok {
		a.raw, _ = sc.SyscallConn()
	}
	a.look = func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		a.silent = err == syscall.EAGAIN
	}
	return a
}

// openAndSilent reports whether the connection is open with nothing to read. It takes
// nothing away, and does not wait for a Read that is under way, as http.Transport
// has one on each of its idle connections.
func (a *connCheck) openAndSilent() bool {
	a.silent = false
	return a.raw != nil && a.raw.Control(a.look) == nil && a.silent
}
