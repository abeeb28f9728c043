package upstream

import (
	"net"
	"testing"
	"time"
)

func TestIdleConnectionsAge(t *testing.T) {
	now := time.Unix(1e9, 0)
	pool := &idlePool{now: func() time.Time { return now }}
	defer pool.closeAll()
	closed := make(chan string, 3*maxIdleConns)
	add := func(name string) {
		ours, theirs := net.Pipe()
		pool.put(newInlineConn(&namedConn{ours, name, closed}, pool))
		t.Cleanup(func() { theirs.Close() })
	}
	add("old")
	now = now.Add(idleConnTimeout - 1)
	add("young")
	now = now.Add(1)
	pool.expire(now)
	if len(closed) != 1 || <-closed != "old" {
		t.Error("not the old one alone was closed")
	}
	for range maxIdleConns {
		add("more")
	}
	if n := len(pool.conns); n != maxIdleConns || len(closed) != 1 {
		t.Errorf("%d are kept, %d closed", n, len(closed))
	}
	pool.closeAll()
	if n := len(pool.conns); n != 0 || len(closed) != maxIdleConns+1 {
		t.Errorf("%d are left, %d closed", n, len(closed))
	}
}

type namedConn struct {
	net.Conn
	name   string
	closed chan<- string
}

func (c *namedConn) Close() error {
	c.closed <- c.name
	return c.Conn.Close()
}
