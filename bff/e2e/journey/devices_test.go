package journey

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

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

func TestDevices(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		laptop := s.Member("ada@example.com")
		s.Clock.Advance(time.Minute)
		phone := s.SignIn("ada@example.com")
		eve := s.Member("eve@example.com")

		list := laptop.Sessions()
		if len(list) != 2 {
			t.Fatalf("devices: %v", list)
		}
		if diff := cmp.Diff([]string{"createdAt", "current", "id", "ip", "lastSeenAt", "remember", "userAgent"}, keysOf(list[0])); diff != "" {
			t.Error(diff)
		}
		newest, oldest := list[0].(site.Object), list[1].(site.Object)
		if newest["current"] != false || oldest["current"] != true || newest["ip"] != "127.0.0.1" || !strings.HasPrefix(newest["userAgent"].(string), "Go-http-client") {
			t.Errorf("devices: %v", list)
		}

		id := newest["id"].(string)
		eve.Do("DELETE", "/api/auth/sessions/"+id, nil).Want(t, 404, "not_found")
		eve.Do("DELETE", "/api/auth/sessions/nonsense", nil).Want(t, 404, "not_found")
		phone.Do("GET", "/api/demo/me", nil).Want(t, 200)
		laptop.Do("DELETE", "/api/auth/sessions/"+id, nil).Want(t, 204)
		phone.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		laptop.Do("DELETE", "/api/auth/sessions/"+id, nil).Want(t, 404, "not_found")
		if len(laptop.Sessions()) != 1 {
			t.Error("a ghost in the list")
		}
		ended := laptop.Do("DELETE", "/api/auth/sessions/"+oldest["id"].(string), nil).Want(t, 204)
		if c := ended.SetCookies(); len(c) != 2 || c["access_token"] {
			t.Errorf("ending the own session clears its cookies: %v", c)
		}
		laptop.Do("GET", "/api/auth/me", nil).Want(t, 401, "not_authenticated")
		s.Browser().Do("GET", "/api/auth/sessions", nil).Want(t, 401, "not_authenticated")
	})
}

func TestSignOutEverywhere(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		laptop := s.Member("ada@example.com")
		phone, tablet, eve := s.SignIn("ada@example.com"), s.SignIn("ada@example.com"), s.Member("eve@example.com")
		laptop.Do("POST", "/api/auth/logout-all", site.Object{"others": "yes"}).Want(t, 422, "validation_failed")
		laptop.Do("POST", "/api/auth/logout-all", site.Object{"all": true}).Want(t, 422, "validation_failed")
		phone.Do("GET", "/api/auth/me", nil).Want(t, 200)

		if a := laptop.Do("POST", "/api/auth/logout-all", site.Object{"others": true}).Want(t, 204); len(a.Cookies()) != 0 {
			t.Errorf("cookies %v", a.SetCookies())
		}
		phone.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		tablet.Do("GET", "/api/auth/me", nil).Want(t, 401, "session_revoked")
		laptop.Do("GET", "/api/demo/me", nil).Want(t, 200)

		r, err := http.NewRequest(http.MethodPost, s.Base+"/api/auth/logout-all", struct{ io.Reader }{strings.NewReader("")})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = -1 // chunked, and empty: no body, as a proxy in between may say it
		tablet = s.SignIn("ada@example.com")
		resp, err := tablet.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 204 {
			t.Errorf("empty chunked body: %d", resp.StatusCode)
		}

		laptop, phone = s.SignIn("ada@example.com"), s.SignIn("ada@example.com")
		if a := laptop.Do("POST", "/api/auth/logout-all", nil).Want(t, 204); len(a.SetCookies()) != 2 {
			t.Errorf("cookies %v", a.SetCookies())
		}
		phone.Do("GET", "/api/demo/me", nil).Want(t, 401, "session_revoked")
		eve.Do("GET", "/api/demo/me", nil).Want(t, 200)
	})
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

func TestEventStreamReportsARevocationAndEnds(t *testing.T) {
	site.OnBoth(t, func(t *testing.T, s *site.Harness) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		laptop := s.Member("ada@example.com")
		phone := s.SignIn("ada@example.com")
		lines := phone.OpenEvents(ctx)
		laptop.Do("POST", "/api/auth/logout-all", site.Object{"others": true}).Want(t, 204)
		if got := rest(ctx, t, lines); got != "event: session\ndata: {\"type\":\"revoked\",\"reason\":\"ended_by_user\"}" {
			t.Errorf("told %q", got)
		}
		s.Browser().Do("GET", "/api/auth/events", nil).Want(t, 401, "not_authenticated")
	})
}

// Nothing but the absolute end closes what a session holds open.
func TestAbsoluteEndClosesWhatIsOpen(t *testing.T) {
	s := site.Embedded(t)
	s.Env["SESSION_MAX_AGE"] = "2h"
	s.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := s.Member("ada@example.com")
	lines := b.OpenEvents(ctx)
	conn, err := b.OpenSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	for range 5 { // renewals and expired access tokens do not
		s.Clock.Advance(20 * time.Minute)
		b.Do("POST", "/api/auth/refresh", nil).Want(t, 200)
		site.WantEcho(t, conn, "still here")
	}
	s.Clock.Advance(16 * time.Minute)
	for range 3 { // an empty line, event, data
		if !lines.Scan() {
			t.Fatal("no warning")
		}
	}
	if got := lines.Text(); got != `data: {"type":"expiring","reason":"expired"}` {
		t.Errorf("warned by %q", got)
	}
	site.WantEcho(t, conn, "four minutes left")
	s.Clock.Advance(4 * time.Minute)
	if got := rest(ctx, t, lines); !strings.HasSuffix(got, `data: {"type":"revoked","reason":"expired"}`) {
		t.Errorf("told %q", got)
	}
	_, _, err = conn.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4401 {
		t.Errorf("socket: %v, want close code 4401", err)
	}
	b.Do("GET", "/api/auth/me", nil).Want(t, 401, "session_expired")
}

// An open stream must not hold up a shutdown until its deadline.
func TestShutdownEndsStreams(t *testing.T) {
	s := site.Embedded(t).Start("SHUTDOWN_TIMEOUT", "25s")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := s.Member("ada@example.com")
	lines := b.OpenEvents(ctx)
	conn, err := b.OpenSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	stopped := make(chan struct{})
	go func() { s.Stop(); close(stopped) }()
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
	s := site.Embedded(t).Start()
	b := s.Member("ada@example.com")
	for range 3 {
		a := b.Do("HEAD", "/api/auth/events", nil).Want(t, 200)
		if a.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("Content-Type %q", a.Header.Get("Content-Type"))
		}
		b.Do("GET", "/healthz", nil).Want(t, 200) // on the same connection
	}
	s.Stop() // waits for handlers
}
