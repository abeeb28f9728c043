package site

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Wire is a line to a server that can be cut, and moved to another server,
// while both its ends live on: a switch, or an address that fails over.
type Wire struct {
	URL string
	mu  sync.Mutex
	to  string // "" is cut
	on  map[net.Conn]bool
}

func NewWire(t *testing.T, addr string) *Wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{URL: "redis://" + l.Addr().String(), to: addr, on: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.MoveTo("")
		all.Wait()
	})
	return w
}

func (w *Wire) carry(conn net.Conn) {
	defer conn.Close()
	w.mu.Lock()
	to := w.to
	w.on[conn] = true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.on, conn)
		w.mu.Unlock()
	}()
	server, err := net.Dial("tcp", to)
	if to == "" || err != nil {
		return
	}
	defer server.Close()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, conn)
		_ = server.Close()
	})
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
	up.Wait()
}

// MoveTo cuts what is open; from now on the line leads to addr, nowhere if "".
func (w *Wire) MoveTo(addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = addr
	for conn := range w.on {
		_ = conn.Close()
	}
}

func (w *Wire) Target() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to
}
