package e2e

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// again signs in from another browser.
func (s *site) again(email string) *browser {
	s.t.Helper()
	b := s.browser()
	b.do("POST", "/api/auth/login", credentials(email)).want(s.t, 200)
	return b
}

func (b *browser) devices() []any {
	b.site.t.Helper()
	return b.do("GET", "/api/auth/sessions", nil).want(b.site.t, 200).json(b.site.t)["sessions"].([]any)
}

func TestDevices(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		laptop := s.member("ada@example.com")
		s.clock.Advance(time.Minute)
		phone := s.again("ada@example.com")
		eve := s.member("eve@example.com")

		list := laptop.devices()
		if len(list) != 2 {
			t.Fatalf("devices: %v", list)
		}
		if diff := cmp.Diff([]string{"createdAt", "current", "id", "ip", "lastSeenAt", "remember", "userAgent"}, keysOf(list[0])); diff != "" {
			t.Error(diff)
		}
		newest, oldest := list[0].(object), list[1].(object)
		if newest["current"] != false || oldest["current"] != true || newest["ip"] != "127.0.0.1" || !strings.HasPrefix(newest["userAgent"].(string), "Go-http-client") {
			t.Errorf("devices: %v", list)
		}

		id := newest["id"].(string)
		eve.do("DELETE", "/api/auth/sessions/"+id, nil).want(t, 404, "not_found")
		eve.do("DELETE", "/api/auth/sessions/nonsense", nil).want(t, 404, "not_found")
		phone.do("GET", "/api/demo/me", nil).want(t, 200)
		laptop.do("DELETE", "/api/auth/sessions/"+id, nil).want(t, 204)
		phone.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		laptop.do("DELETE", "/api/auth/sessions/"+id, nil).want(t, 404, "not_found")
		if len(laptop.devices()) != 1 {
			t.Error("a ghost in the list")
		}
		ended := laptop.do("DELETE", "/api/auth/sessions/"+oldest["id"].(string), nil).want(t, 204)
		if c := ended.setCookies(); len(c) != 2 || c["access_token"] {
			t.Errorf("ending the own session clears its cookies: %v", c)
		}
		laptop.do("GET", "/api/auth/me", nil).want(t, 401, "not_authenticated")
		s.browser().do("GET", "/api/auth/sessions", nil).want(t, 401, "not_authenticated")
	})
}

func TestSignOutEverywhere(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		laptop := s.member("ada@example.com")
		phone, tablet, eve := s.again("ada@example.com"), s.again("ada@example.com"), s.member("eve@example.com")
		laptop.do("POST", "/api/auth/logout-all", object{"others": "yes"}).want(t, 422, "validation_failed")
		laptop.do("POST", "/api/auth/logout-all", object{"all": true}).want(t, 422, "validation_failed")
		phone.do("GET", "/api/auth/me", nil).want(t, 200)

		if a := laptop.do("POST", "/api/auth/logout-all", object{"others": true}).want(t, 204); len(a.Cookies()) != 0 {
			t.Errorf("cookies %v", a.setCookies())
		}
		phone.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		tablet.do("GET", "/api/auth/me", nil).want(t, 401, "session_revoked")
		laptop.do("GET", "/api/demo/me", nil).want(t, 200)

		r, err := http.NewRequest(http.MethodPost, s.base+"/api/auth/logout-all", struct{ io.Reader }{strings.NewReader("")})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = -1 // chunked, and empty: no body, as a proxy in between may say it
		tablet = s.again("ada@example.com")
		resp, err := tablet.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 204 {
			t.Errorf("empty chunked body: %d", resp.StatusCode)
		}

		laptop, phone = s.again("ada@example.com"), s.again("ada@example.com")
		if a := laptop.do("POST", "/api/auth/logout-all", nil).want(t, 204); len(a.setCookies()) != 2 {
			t.Errorf("cookies %v", a.setCookies())
		}
		phone.do("GET", "/api/demo/me", nil).want(t, 401, "session_revoked")
		eve.do("GET", "/api/demo/me", nil).want(t, 200)
	})
}

// listen opens the session's event stream; the scanner gives its lines.
func (b *browser) listen(ctx context.Context) *bufio.Scanner {
	t := b.site.t
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.site.base+"/api/auth/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: b.jar}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // the first comment: the stream is watching
	return lines
}

// rest is everything that the stream says until its end.
func rest(ctx context.Context, t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	var b strings.Builder
	for lines.Scan() {
		b.WriteString(lines.Text() + "\n")
	}
	if ctx.Err() != nil {
		t.Fatal("the stream did not end")
	}
	return strings.TrimSpace(b.String())
}

func TestEventStreamTellsOfARevocationAndEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		laptop := s.member("ada@example.com")
		phone := s.again("ada@example.com")
		lines := phone.listen(ctx)
		laptop.do("POST", "/api/auth/logout-all", object{"others": true}).want(t, 204)
		if got := rest(ctx, t, lines); got != "event: session\ndata: {\"type\":\"revoked\",\"reason\":\"ended_by_user\"}" {
			t.Errorf("told %q", got)
		}
		s.browser().do("GET", "/api/auth/events", nil).want(t, 401, "not_authenticated")
	})
}

// Nothing but the absolute end closes what a session holds open.
func TestAbsoluteEndClosesWhatIsOpen(t *testing.T) {
	s := embedded(t)
	s.env["SESSION_MAX_AGE"] = "2h"
	s.start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := s.member("ada@example.com")
	lines := b.listen(ctx)
	conn, err := b.socket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for range 5 { // renewals and expired access tokens do not
		s.clock.Advance(20 * time.Minute)
		b.do("POST", "/api/auth/refresh", nil).want(t, 200)
		echoes(t, conn, "still here")
	}
	s.clock.Advance(16 * time.Minute)
	for range 3 { // an empty line, event, data
		if !lines.Scan() {
			t.Fatal("no warning")
		}
	}
	if got := lines.Text(); got != `data: {"type":"expiring","reason":"expired"}` {
		t.Errorf("warned by %q", got)
	}
	echoes(t, conn, "four minutes left")
	s.clock.Advance(4 * time.Minute)
	if got := rest(ctx, t, lines); !strings.HasSuffix(got, `data: {"type":"revoked","reason":"expired"}`) {
		t.Errorf("told %q", got)
	}
	_, _, err = conn.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4401 {
		t.Errorf("socket: %v, want close code 4401", err)
	}
	b.do("GET", "/api/auth/me", nil).want(t, 401, "session_expired")
}

// An open stream must not hold up a shutdown until its deadline.
func TestShutdownEndsStreams(t *testing.T) {
	s := embedded(t).start("SHUTDOWN_TIMEOUT", "25s")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := s.member("ada@example.com")
	lines := b.listen(ctx)
	conn, err := b.socket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	stopped := make(chan struct{})
	go func() { s.stop(); close(stopped) }()
	if got := rest(ctx, t, lines); got != "" {
		t.Errorf("told %q", got)
	}
	_, _, err = conn.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
		t.Errorf("socket: %v, want going away", err)
	}
	select {
	case <-stopped:
	case <-ctx.Done():
		t.Error("the shutdown waited for its deadline")
	}
}

// net/http swallows what is written to a HEAD: the stream went on unseen, on a
// connection that a proxy in front had already given to somebody else.
func TestHeadOfTheEventStreamEnds(t *testing.T) {
	s := embedded(t).start()
	b := s.member("ada@example.com")
	for range 3 {
		a := b.do("HEAD", "/api/auth/events", nil).want(t, 200)
		if a.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("Content-Type %q", a.Header.Get("Content-Type"))
		}
		b.do("GET", "/healthz", nil).want(t, 200) // on the same connection
	}
	s.stop() // waits for handlers
}
