package site

import (
	"bufio"
	"context"
	"net/http"

	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

// Admin is a browser of an administrator.
func (s *Harness) Admin() *Browser {
	s.T.Helper()
	b := s.Member("boss@example.com")
	s.Operator().MustRun(operator.Command{Verb: operator.SetRole, Email: "boss@example.com", Role: "admin"})
	return b
}

func (b *Browser) UserID() string {
	b.Harness.T.Helper()
	return b.Do("GET", "/api/auth/me", nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["user"].(Object)["id"].(string)
}

func (b *Browser) Role() string {
	b.Harness.T.Helper()
	return b.Do("GET", "/api/demo/me", nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["role"].(string)
}

// SignIn signs in with a new browser.
func (s *Harness) SignIn(email string) *Browser {
	s.T.Helper()
	b := s.Browser()
	b.Do("POST", "/api/auth/login", Credentials(email)).Want(s.T, 200)
	return b
}

func (b *Browser) Sessions() []any {
	b.Harness.T.Helper()
	return b.Do("GET", "/api/auth/sessions", nil).Want(b.Harness.T, 200).JSON(b.Harness.T)["sessions"].([]any)
}

// OpenEvents opens the session's event stream and returns a scanner of its lines.
func (b *Browser) OpenEvents(ctx context.Context) *bufio.Scanner {
	t := b.Harness.T
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.Harness.Base+"/api/auth/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: b.Jar}).Do(r)
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
