package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
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

// Whichever instance a session is ended at, its live connections end at both,
// within a second; those of others, and of a session that is merely renewed,
// do not.
func TestLiveConnectionsEndOnBothInstances(t *testing.T) {
	p := TwoInstances(t)
	other := p.A.MemberTokens("ada@example.com")
	bystanders := []Live{p.A.OpenLive(t.Context(), other), p.B.OpenLive(t.Context(), other)}
	var took []time.Duration
	for round := range 5 {
		with := p.A.SignInTokens("ada@example.com")
		open := []Live{p.A.OpenLive(t.Context(), with), p.B.OpenLive(t.Context(), with)}
		p.A.Clock.Advance(20 * time.Minute)
		with = p.B.Post("/api/auth/refresh", with).Refreshed(t)
		for _, l := range open {
			l.WantOpen(t, fmt.Sprintf("renewed, and past the access token's end, round %d", round))
		}
		at := p.Each()[round%2]
		at.Post("/api/auth/logout", with).Want(t, 204)
		start := time.Now()
		for _, l := range open {
			l.WantClosed(t)
		}
		took = append(took, time.Since(start))
		for _, l := range bystanders {
			l.WantOpen(t, "somebody else left")
		}
	}
	slices.Sort(took)
	t.Logf("from sign-out's answer to the end of all four connections: %v", took)
	// What does not follow the stream of revocations has until its next
	// heartbeat, in 20 s.
	if median := took[len(took)/2]; median > 10*time.Second {
		t.Errorf("live connections end after %v, want within a second on an idle machine", median)
	}
}
