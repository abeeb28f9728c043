package e2e

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

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

func TestSocketLivesThroughRenewalAndEndsWithTheSession(t *testing.T) {
	OnBoth(t, func(t *testing.T, s *Harness) {
		b := s.Member("ada@example.com")
		conn, err := b.OpenSocket()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		WantEcho(t, conn, "hello")
		s.Clock.Advance(20 * time.Minute) // the access token it was opened with is stale
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
		WantEcho(t, conn, "still here")

		b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, err = conn.Read(ctx)
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4401 {
			t.Errorf("after signing out: %v, want close code 4401", err)
		}
		if _, err := b.OpenSocket(); err == nil {
			t.Error("a socket without a session was opened")
		}
	})
}

func TestEventStreamArrivesAtOnceAndEndsWithTheSession(t *testing.T) {
	OnBoth(t, func(t *testing.T, s *Harness) {
		b := s.Member("ada@example.com")
		s.Clock.Advance(20 * time.Minute) // renewed on the way: the cookies ride on the stream's header
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Base+"/api/demo/clock", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if len(resp.Cookies()) != 2 {
			t.Errorf("cookies %v", resp.Cookies())
		}
		lines := bufio.NewScanner(resp.Body)
		if !lines.Scan() || lines.Text() != "event: tick" {
			t.Fatalf("first line %q, %v", lines.Text(), lines.Err())
		}
		b.Do("POST", "/api/auth/logout", nil).Want(t, 204)
		for lines.Scan() { // what was under way
		}
		if ctx.Err() != nil {
			t.Error("the stream outlived the session")
		}
	})
}
