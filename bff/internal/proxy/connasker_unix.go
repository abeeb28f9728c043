//go:build unix

package proxy

import (
	"net"
	"syscall"
)

// canAskConns: a connection can be asked whether it is open and has nothing to
// say.
const canAskConns = true

// connAsker looks at a connection without waiting for it.
type connAsker struct {
	raw    syscall.RawConn // nil: one that cannot be asked
	look   func(fd uintptr) (done bool)
	silent bool
}

func newConnAsker(conn net.Conn) *connAsker {
	a := &connAsker{}
	if sc, ok := conn.(syscall.Conn); ok {
		a.raw, _ = sc.SyscallConn()
	}
	a.look = func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		a.silent = err == syscall.EAGAIN
		return true
	}
	return a
}

// ask reports whether the connection is open with nothing to read. What it
// reads otherwise is gone: the connection is of no use.
func (a *connAsker) ask() bool {
	a.silent = false
	return a.raw != nil && a.raw.Read(a.look) == nil && a.silent
}
