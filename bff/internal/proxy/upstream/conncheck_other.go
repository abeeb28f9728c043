//go:build !unix

package upstream

import "net"

// canCheckConns: where a connection cannot be asked whether it is open, all
// requests go through http.Transport, whose goroutines are told.
const canCheckConns = false

type connCheck struct{}

func newConnCheck(net.Conn) *connCheck { return nil }

func (*connCheck) openAndSilent() bool { return false }
