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

// socket opens the demo API's echo through the product.
func (b *browser) socket() (*websocket.Conn, error) {
	b.site.t.Helper()
	conn, _, err := websocket.Dial(b.site.t.Context(), "ws"+strings.TrimPrefix(b.site.base, "http")+"/api/demo/echo",
		&websocket.DialOptions{HTTPClient: &http.Client{Jar: b.jar, Transport: b.site.transportForSockets()}})
	return conn, err
}

func echoes(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := conn.Read(t.Context()); err != nil || string(got) != text {
		t.Fatalf("echo %q, %v", got, err)
	}
}

func TestSocketLivesThroughRenewalAndEndsWithTheSession(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.member("ada@example.com")
		conn, err := b.socket()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		echoes(t, conn, "hello")
		s.clock.Advance(20 * time.Minute) // the access token it was opened with is stale
		b.do("POST", "/api/auth/refresh", nil).want(t, 200)
		echoes(t, conn, "still here")

		b.do("POST", "/api/auth/logout", nil).want(t, 204)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, err = conn.Read(ctx)
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != 4401 {
			t.Errorf("after signing out: %v, want close code 4401", err)
		}
		if _, err := b.socket(); err == nil {
			t.Error("a socket without a session was opened")
		}
	})
}

func TestEventStreamArrivesAtOnceAndEndsWithTheSession(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		b := s.member("ada@example.com")
		s.clock.Advance(20 * time.Minute) // renewed on the way: the cookies ride on the stream's header
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/demo/clock", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.client.Do(r)
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
		b.do("POST", "/api/auth/logout", nil).want(t, 204)
		for lines.Scan() { // what was under way
		}
		if ctx.Err() != nil {
			t.Error("the stream outlived the session")
		}
	})
}
