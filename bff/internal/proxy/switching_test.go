package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/socket"
)

// A request that lasted as long as its WebSocket took 40 KiB for it.
func TestRequestEndsBeforeItsWebSocket(t *testing.T) {
	g := newGate(t, echoUpstream(t, nil), nil)
	ended := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(w, r); close(ended) }))
	defer srv.Close()
	c, _, err := websocket.Dial(t.Context(), srv.URL+"/api/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	select {
	case <-ended:
	case <-time.After(25 * time.Second):
		t.Fatal("the handler waits for the WebSocket")
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("still there?")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || string(got) != "still there?" {
		t.Errorf("%q, %v", got, err)
	}
	if g.proxy.Live() != 1 || g.proxy.LiveSockets() != 1 || g.last.Load() != nil {
		t.Errorf("%d live, %v", g.proxy.Live(), g.last.Load())
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil || g.proxy.Live() != 0 {
		t.Errorf("%v, %d live", err, g.proxy.Live())
	}
}

func TestUpstreamSwitchesToWebSocketAloneAndWhenAsked(t *testing.T) {
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	const plain = "GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n"
	for name, tt := range map[string]struct {
		request, header string
		status          int
	}{
		"asked":                {handshake, upgrade, 101},
		"any case":             {handshake, "connection: upgrade\r\nupgrade: WebSocket\r\n", 101},
		"not asked":            {plain, upgrade, 502},
		"not asked, to no one": {plain, "", 502},
		"another protocol":     {handshake, "Connection: Upgrade\r\nUpgrade: h2c\r\n", 502},
		"none":                 {handshake, "", 502},
		"Connection is silent": {handshake, "Upgrade: websocket\r\n", 502},
	} {
		t.Run(name, func(t *testing.T) {
			closed := make(chan struct{})
			g := newGate(t, rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
				if _, err := http.ReadRequest(br); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: theme=dark\r\n"+tt.header+"\r\n")
					_, _ = io.Copy(io.Discard, br)
				}
				close(closed)
			}), func(r *route.Config) { r.ForwardCookies = true })
			c, br := g.dial(t)
			_, _ = io.WriteString(c, tt.request)
			res, err := http.ReadResponse(br, nil)
			if err != nil || res.StatusCode != tt.status {
				t.Fatalf("%v, %v; want %d", res, err, tt.status)
			}
			if tt.status == 101 {
				if cookies := res.Header["Set-Cookie"]; !slices.Equal(cookies, []string{"access_token=new; Path=/", "theme=dark"}) {
					t.Errorf("cookies %q", cookies)
				}
				c.Close()
			}
			<-closed
			if err := g.proxy.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who is gone at one end is not waited for at the other.
func TestSocketEndsAtBothEnds(t *testing.T) {
	for _, end := range []string{"client", "upstream"} {
		t.Run(end, func(t *testing.T) {
			left := make(chan struct{})
			g := newGate(t, switched(t, "", func(_ net.Conn, br *bufio.Reader) {
				if end == "client" {
					_, _ = io.Copy(io.Discard, br)
				}
				close(left)
			}), nil)
			c, br := g.dial(t)
			_, _ = io.WriteString(c, handshake)
			if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
				t.Fatal(res, err)
			}
			if end == "client" {
				c.Close()
			} else if n, err := io.Copy(io.Discard, br); n != 0 || err != nil {
				t.Error(n, err)
			}
			<-left
			g.proxy.streams.mu.Lock()
			gone := make(chan struct{})
			if g.proxy.streams.empty = gone; g.proxy.streams.count == 0 {
				g.proxy.streams.empty = nil
				close(gone)
			}
			g.proxy.streams.mu.Unlock()
			select {
			case <-gone:
			case <-time.After(25 * time.Second):
				t.Error("it lives on")
			}
		})
	}
}

// A client that has said all it has to say answers no close frame, and nobody
// reads on to hear that: its socket outlived its session for as long as the
// upstream liked.
func TestEndOfASocketWhoseClientHasHungUp(t *testing.T) {
	over, heard := make(chan struct{}), make(chan struct{})
	defer close(over)
	g := newGate(t, switched(t, "", func(_ net.Conn, br *bufio.Reader) {
		_, _ = io.Copy(io.Discard, br) // to our half close
		close(heard)
		<-over
	}), nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	wait(t, "the upstream to hear it", heard)
	ctx, cancel := context.WithTimeout(t.Context(), 10*socket.CloseGrace)
	defer cancel()
	if err := g.proxy.Shutdown(ctx); err != nil || g.proxy.Live() != 0 {
		t.Errorf("%v, %d live", err, g.proxy.Live())
	}
	if got, err := io.ReadAll(br); err != nil || string(got) != string(socket.CloseFrame(CloseGoingAway, restarting)) {
		t.Errorf("%x, %v", got, err)
	}
}

// The upstream may have nothing more to say, and not mind.
func TestSocketOfAClientThatIsGoneEnds(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	g := newGate(t, switched(t, "", func(net.Conn, *bufio.Reader) { <-over }), nil, func(o *gateOptions) { o.StallTimeout = 50 * time.Millisecond })
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(br); err != nil || len(got) > 0 {
		t.Errorf("%x, %v", got, err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
