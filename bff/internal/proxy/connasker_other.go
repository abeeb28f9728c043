//go:build !unix

package proxy

import "net"

// canAskConns: where a connection cannot be asked whether it is open, all
// requests go through http.Transport, whose goroutines are told.
const canAskConns = false

type connAsker struct{}

func newConnAsker(net.Conn) *connAsker { return nil }

func (*connAsker) ask() bool { return false }
