package listener

import "net"

// tcpConn keeps two methods of *net.TCPConn that embedding a net.Conn hides.
type tcpConn struct{ net.Conn }

// CloseWrite is called by net/http before it closes a connection: closing with
// unread bytes resets the connection, and the client loses the response.
func (c tcpConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// SetLinger is called by the proxy before it resets a connection.
func (c tcpConn) SetLinger(sec int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}
