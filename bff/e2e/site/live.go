package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Live is one open WebSocket and one open event stream of a session.
type Live struct {
	at     *Harness
	socket *websocket.Conn
	ended  chan error // of the event stream
}

func (s *Harness) OpenLive(ctx context.Context, with Tokens) Live {
	s.T.Helper()
	b := s.Browser()
	b.PutCookie("access_token", with.Access)
	b.PutCookie("refresh_token", with.Refresh)
	socket, err := b.OpenSocket()
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { socket.CloseNow() })
	events, err := s.openEventStream(ctx, with)
	if err != nil {
		s.T.Fatal(err)
	}
	return Live{s, socket, events}
}

// openEventStream opens the demo API's event stream; its end, nil if in order, comes
// through the channel.
func (s *Harness) openEventStream(ctx context.Context, with Tokens) (chan error, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Base+"/api/demo/clock", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", with.CookieHeader())
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 {
		resp.Body.Close()
		return nil, fmt.Errorf("the event stream: %s", resp.Status)
	}
	ended := make(chan error, 1)
	go func() {
		defer resp.Body.Close()
		_, err := io.Copy(io.Discard, resp.Body)
		ended <- err
	}()
	return ended, nil
}

// WantClosed waits for the end of both connections and checks how they end.
func (l Live) WantClosed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, _, err := l.socket.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4401 {
		t.Errorf("the socket: %v, want close code 4401", err)
	}
	select {
	case err := <-l.ended:
		if err != nil {
			t.Errorf("the event stream broke off: %v", err)
		}
	case <-ctx.Done():
		t.Error("the event stream outlived its session")
	}
}

func (l Live) WantOpen(t *testing.T, what string) {
	t.Helper()
	WantEcho(t, l.socket, what)
	select {
	case err := <-l.ended:
		t.Fatalf("%s: the event stream ended: %v", what, err)
	default:
	}
}

// OpenSocket opens the demo API's echo through the product.
func (b *Browser) OpenSocket() (*websocket.Conn, error) {
	b.Harness.T.Helper()
	conn, _, err := websocket.Dial(b.Harness.T.Context(), "ws"+strings.TrimPrefix(b.Harness.Base, "http")+"/api/demo/echo",
		&websocket.DialOptions{HTTPClient: &http.Client{Jar: b.Jar, Transport: b.Harness.transportForSockets()}})
	return conn, err
}

func WantEcho(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != text {
		t.Fatalf("echo %q, %v", got, err)
	}
}
