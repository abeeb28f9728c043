package instances

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// One WebSocket whose client answers nothing kept the public listener open
// after SIGTERM: a load balancer went on sending people to a server that was
// going away.
func TestShutdownStopsListeningAtOnceWhateverIsOpen(t *testing.T) {
	s := site.Embedded(t).Start("SHUTDOWN_TIMEOUT", "5m")
	b := s.Member("ada@example.com")
	addr := strings.TrimPrefix(s.Base, "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/demo/echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: access_token=%s\r\n\r\n", b.Cookie("access_token"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 101") {
		t.Fatalf("%q, %v", line, err)
	}

	stopped := make(chan struct{})
	go func() { s.Stop(); close(stopped) }()
	s.Eventually("the listener to close", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case <-stopped:
		t.Log("the silent client was already given up")
	default:
	}
	select {
	case <-stopped:
	case <-time.After(50 * time.Second):
		t.Error("a client that answers nothing held up the shutdown")
	}
}
