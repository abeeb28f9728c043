package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/socket"
)

const handshake = "GET /api/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// switched is an upstream that says yes to any handshake and leaves the rest to
// then, early in one piece with its 101.
func switched(t *testing.T, early string, then func(net.Conn, *bufio.Reader)) string {
	return rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, switching+early)
		then(c, br)
	})
}

// What comes in one piece with the handshakes is in buffers of net/http.
func TestEarlyFramesArriveInOrder(t *testing.T) {
	for _, size := range []int{0, 3, 100, 4 << 10, 100 << 10} {
		up, down := strings.Repeat("up", size), strings.Repeat("down", size)
		got := make(chan string, 1)
		g := newGate(t, switched(t, down+"1", func(c net.Conn, br *bufio.Reader) {
			b := make([]byte, len(up)+2)
			_, _ = io.ReadFull(br, b)
			got <- string(b)
			_, _ = io.WriteString(c, "2")
		}), nil)
		c, br := g.dial(t)
		go func() { _, _ = io.WriteString(c, handshake+up+"1"); _, _ = io.WriteString(c, "2") }()
		if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
			t.Fatal(res, err)
		}
		b := make([]byte, len(down)+2)
		if _, err := io.ReadFull(br, b); err != nil || string(b) != down+"12" {
			t.Errorf("%d: the browser got %d bytes, %v", size, len(b), err)
		}
		if s := <-got; s != up+"12" {
			t.Errorf("%d: the upstream got %.20q…", size, s)
		}
		c.Close()
	}
}

// A client that has said all it has to say still hears the rest.
func TestHalfClosedSocket(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	g := newGate(t, switched(t, "", func(c net.Conn, br *bufio.Reader) {
		all, _ := io.ReadAll(br) // to the end of what the client says
		_, _ = c.Write(all)
	}), nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	if _, err := c.Write(big); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(br); err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d of %d bytes, %v", len(got), len(big), err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// The close frame goes between two frames also when large ones are on their way.
func TestCloseFrameBetweenLargeFrames(t *testing.T) {
	message := append([]byte{0x82, 126, 60_000 >> 8, 60_000 & 0xff}, strings.Repeat("z", 60_000)...)
	g := newGate(t, switched(t, "", func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := c.Write(message); err != nil {
				return
			}
		}
	}), nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	want, b := socket.CloseFrame(4401, "bye"), make([]byte, len(message))
	for n := 0; ; n++ {
		if n == 20 {
			g.proxy.CloseSession(ann.SessionID, "bye")
		}
		head, err := br.Peek(len(want))
		if err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
		if bytes.Equal(head, want) {
			break
		}
		if _, err := io.ReadFull(br, b); err != nil || !bytes.Equal(b, message) {
			t.Fatalf("message %d: %v", n, err)
		}
	}
	c.Close()
}
