package journey

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestSocketLivesThroughRefreshAndEndsWithTheSession(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		b := s.Member("ada@example.com")
		conn, err := b.OpenSocket()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		site.WantEcho(t, conn, "hello")
		s.Clock.Advance(20 * time.Minute) // the access token it was opened with is stale
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
		site.WantEcho(t, conn, "still here")

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
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
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
