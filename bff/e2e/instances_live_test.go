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

// live is one open WebSocket and one open event stream of a session.
type live struct {
	at     *site
	socket *websocket.Conn
	ended  chan error // of the event stream
}

func (s *site) live(ctx context.Context, with tokens) live {
	s.t.Helper()
	b := s.browser()
	b.put("access_token", with.access)
	b.put("refresh_token", with.refresh)
	socket, err := b.socket()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { socket.CloseNow() })
	events, err := s.events(ctx, with)
	if err != nil {
		s.t.Fatal(err)
	}
	return live{s, socket, events}
}

// events opens the demo API's event stream; its end, nil if in order, comes
// through the channel.
func (s *site) events(ctx context.Context, with tokens) (chan error, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/demo/clock", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Cookie", with.header())
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

// dies waits for the end of both connections and checks how they end.
func (l live) dies(t *testing.T) {
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

func (l live) lives(t *testing.T, what string) {
	t.Helper()
	echoes(t, l.socket, what)
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
	p := twoInstances(t)
	other := p.a.somebody("ada@example.com")
	bystanders := []live{p.a.live(t.Context(), other), p.b.live(t.Context(), other)}
	var took []time.Duration
	for round := range 5 {
		with := p.a.signedIn("ada@example.com")
		open := []live{p.a.live(t.Context(), with), p.b.live(t.Context(), with)}
		p.a.clock.Advance(20 * time.Minute)
		with = p.b.post("/api/auth/refresh", with).renewed(t)
		for _, l := range open {
			l.lives(t, fmt.Sprintf("renewed, and past the access token's end, round %d", round))
		}
		at := p.each()[round%2]
		at.post("/api/auth/logout", with).want(t, 204)
		start := time.Now()
		for _, l := range open {
			l.dies(t)
		}
		took = append(took, time.Since(start))
		for _, l := range bystanders {
			l.lives(t, "somebody else left")
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
