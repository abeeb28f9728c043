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

// Lines of requests are gathered for 50 ms: those of the last moment belong in
// the log all the same.
func TestShutdownLosesNoLineOfTheLog(t *testing.T) {
	t.Parallel()
	b := site.StartBinary(t, site.BuildBinary(t))
	const requests = 200
	for range requests {
		b.Get("/api/auth/me", site.Tokens{}).Want(t, 401)
	}
	b.Terminate()
	b.Eventually("the process to end", b.HasExited)
	count := 0
	for _, line := range b.Logged("request") {
		if line["route"] == "/api/auth/me" && line["status"] == 401.0 {
			count++
		}
	}
	if count != requests {
		t.Errorf("%d lines of %d requests", count, requests)
	}
}

// A second signal ends a drain that takes long, and loses no line either.
func TestSecondSignalLosesNoLineOfTheLog(t *testing.T) {
	t.Parallel()
	b := site.NewBinary(t, site.BuildBinary(t), "SHUTDOWN_TIMEOUT", "5m")
	b.Run()
	m := b.Member("ada@example.com")
	// Bodies that do not come whole hold the drain up.
	var conns [2]net.Conn
	for i := range conns {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
		fmt.Fprintf(conn, "POST /api/demo/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\nCookie: access_token=%s\r\n\r\n", m.Cookie("access_token"))
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	b.Terminate()
	b.Eventually("the drain", func() bool { return len(b.Logged("draining")) > 0 })
	before := len(b.Logged("request"))
	fmt.Fprint(conns[0], "all of it")
	if _, err := bufio.NewReader(conns[0]).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	b.Terminate()
	b.Eventually("the process to end", b.HasExited)
	if code := b.Cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if lines := b.Logged("request"); len(lines) != before+1 || lines[before]["route"] != "/api/demo" {
		t.Errorf("the last request is not in the log: %v", lines[before:])
	}
}
