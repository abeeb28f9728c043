package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func echoUpstream(t *testing.T, header chan<- http.Header) string {
	return upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if header != nil {
			header <- r.Header.Clone()
		}
		w.Header().Set("Server", "EVIL")
		w.Header().Set("Set-Cookie", "refresh_token=EVIL")
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"chat.v2"}})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(8 << 20)
		for {
			kind, msg, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if c.Write(r.Context(), kind, msg) != nil {
				return
			}
		}
	})
}

func dialSocket(t *testing.T, g *gate) (*websocket.Conn, *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	defer cancel()
	c, res, err := websocket.Dial(ctx, g.URL+"/api/x", &websocket.DialOptions{Subprotocols: []string{"chat.v1", "chat.v2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(8 << 20)
	return c, res
}

func TestWebSocket(t *testing.T) {
	header := make(chan http.Header, 1)
	g := newGate(t, echoUpstream(t, header), nil)
	c, res := dialSocket(t, g)
	if h := <-header; h.Get("Authorization") != "Bearer jwt-7-x" || h.Get("X-Request-Id") != "req-1" || h.Get("Sec-WebSocket-Protocol") != "chat.v1,chat.v2" {
		t.Errorf("upstream got %v", h)
	}
	if c.Subprotocol() != "chat.v2" {
		t.Errorf("subprotocol %q", c.Subprotocol())
	}
	if cookies := res.Header["Set-Cookie"]; len(cookies) != 1 || cookies[0] != "access_token=new; Path=/" || res.Header["Server"] != nil || g.headers.Load() != 1 {
		t.Errorf("101 with %v, BeforeHeader was called %d times", res.Header, g.headers.Load())
	}
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 5 << 20} {
		msg := bytes.Repeat([]byte("x"), size)
		if err := c.Write(t.Context(), websocket.MessageBinary, msg); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(t.Context()); err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%d bytes: %d, %v", size, len(got), err)
		}
	}
	if g.proxy.Live() != 1 {
		t.Errorf("%d live", g.proxy.Live())
	}
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseSessionClosesWebSockets(t *testing.T) {
	g := newGate(t, echoUpstream(t, nil), nil)
	one, _ := dialSocket(t, g)
	two, _ := dialSocket(t, g)
	_ = one.Write(t.Context(), websocket.MessageText, []byte("x"))
	if _, _, err := one.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := g.proxy.CloseSession(ann.SessionID, "signed out"); n != 2 {
		t.Errorf("closed %d", n)
	}
	g.proxy.CloseSession(ann.SessionID, "again")
	for _, c := range []*websocket.Conn{one, two} {
		_, _, err := c.Read(t.Context())
		var ce websocket.CloseError
		if !errors.As(err, &ce) || ce.Code != 4401 || ce.Reason != "signed out" {
			t.Errorf("the browser sees %v", err)
		}
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil || g.proxy.Live() != 0 {
		t.Errorf("%v, %d live", err, g.proxy.Live())
	}
}

func TestShutdownClosesWebSockets(t *testing.T) {
	g := newGate(t, echoUpstream(t, nil), nil)
	c, _ := dialSocket(t, g)
	read := make(chan error, 1)
	go func() { _, _, err := c.Read(context.Background()); read <- err }()
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if code := websocket.CloseStatus(<-read); code != 1001 {
		t.Errorf("close code %d", code)
	}
}

func TestWebSocketOfAnEndedSession(t *testing.T) {
	g := newGate(t, echoUpstream(t, nil), nil, func(o *gateOptions) { o.Alive = func() bool { return false } })
	_, res, err := websocket.Dial(t.Context(), g.URL+"/api/x", nil)
	if err == nil || res == nil || res.StatusCode != 401 || g.proxy.Live() != 0 {
		t.Errorf("%v %v, %d live", res, err, g.proxy.Live())
	}
}

func TestUpgradeRules(t *testing.T) {
	const key = "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"browser", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\n" + key, 101},
		{"Firefox", "GET /api/x HTTP/1.1\nHost: h\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n" + key, 101},
		{"two lines, any case", "GET /api/x HTTP/1.1\nHost: h\nConnection: keep-alive\nConnection: upgrade\nUpgrade: WebSocket\n" + key, 101},
		{"h2c", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n", 400},
		{"junk", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: junk\n", 400},
		{"list", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket, h2c\n" + key, 400},
		{"two", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\nUpgrade: h2c\n" + key, 400},
		{"empty", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: \n" + key, 400},
		{"POST", "POST /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\nContent-Length: 0\n" + key, 400},
		{"with a body", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\nContent-Length: 2\n" + key + "\nhi", 400},
		{"chunked", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\nTransfer-Encoding: chunked\n" + key + "\n0\n", 400},
		{"HTTP/1.0", "GET /api/x HTTP/1.0\nHost: h\nConnection: Upgrade\nUpgrade: websocket\n" + key, 400},
		{"no key", "GET /api/x HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\n", 400},
		{"Connection without Upgrade", "GET /api/x HTTP/1.1\nHost: h\nConnection: upgrade\n", 426},
		{"Upgrade without Connection", "GET /api/x HTTP/1.1\nHost: h\nUpgrade: h2c\n", 426},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arrived := make(chan http.Header, 1)
			g := newGate(t, echoUpstream(t, arrived), nil)
			c, br := g.dial(t)
			io.WriteString(c, strings.ReplaceAll(tt.request+"\n", "\n", "\r\n"))
			res, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
			if tt.status == 400 {
				if len(arrived) != 0 || g.last.Load().Kind != BadUpgrade {
					t.Error("it was forwarded")
				}
			} else if h := <-arrived; tt.status == 426 && h["Upgrade"] != nil {
				t.Errorf("the upstream got Upgrade: %v", h["Upgrade"])
			}
			c.Close()
		})
	}
}
