package site

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"
)

// Browser keeps cookies and follows no redirects.
type Browser struct {
	Harness *Harness
	Client  *http.Client
	Jar     *cookiejar.Jar
}

func (s *Harness) Browser() *Browser {
	s.T.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.T.Fatal(err)
	}
	transport := http.DefaultTransport
	if s.Transport != nil {
		transport = s.Transport
	}
	return &Browser{Harness: s, Jar: jar, Client: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is a response, read whole.
type Answer struct {
	*http.Response
	Text string
}

// Do sends a request. body may be nil or anything that is JSON; headers come
// as name, value pairs. What comes back must be what openapi.yaml says.
func (b *Browser) Do(method, path string, body any, headers ...string) Answer {
	b.Harness.T.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			b.Harness.T.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, b.Harness.Base+path, bytes.NewReader(sent))
	if err != nil {
		b.Harness.T.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := b.Client.Do(r)
	if err != nil {
		b.Harness.T.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Harness.T.Fatal(err)
	}
	return Answer{resp, string(text)}.asPublished(b.Harness.T, sent)
}

type Object = map[string]any

func (a Answer) JSON(t *testing.T) Object {
	t.Helper()
	var out Object
	if err := json.Unmarshal([]byte(a.Text), &out); err != nil {
		t.Fatalf("%s: %v in %q", a.Request.URL.Path, err, a.Text)
	}
	return out
}

// Want checks the status and, for a problem, its code.
func (a Answer) Want(t *testing.T, status int, code ...string) Answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.Text, status)
	}
	if len(code) > 0 {
		p := a.JSON(t)
		if p["code"] != code[0] || a.Header.Get("Content-Type") != "application/problem+json" ||
			p["status"] != float64(status) || p["title"] == "" || p["requestId"] != a.Header.Get("X-Request-Id") {
			t.Fatalf("%s %s: %s (%s), want problem %s", a.Request.Method, a.Request.URL.Path, a.Text, a.Header.Get("Content-Type"), code[0])
		}
	}
	return a
}

// SetCookies gives the names set (true) and cleared (false) by an answer.
func (a Answer) SetCookies() map[string]bool {
	names := map[string]bool{}
	for _, c := range a.Cookies() {
		names[c.Name] = c.MaxAge >= 0
	}
	return names
}

func (b *Browser) Cookie(name string) string {
	u, _ := url.Parse(b.Harness.Base)
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// PutCookie plants a cookie, as a thief or a second device of the same jar would.
func (b *Browser) PutCookie(name, value string) {
	u, _ := url.Parse(b.Harness.Base)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

const Password = "a heron on the mill pond"

func Credentials(email string) Object { return Object{"email": email, "password": Password} }

// Member registers, signs in, and returns the browser.
func (s *Harness) Member(email string) *Browser {
	s.T.Helper()
	b := s.Browser()
	b.Do("POST", "/api/auth/register", Credentials(email)).Want(s.T, 201)
	b.Do("POST", "/api/auth/login", Credentials(email)).Want(s.T, 200)
	return b
}

// transportForSockets speaks HTTP/1.1 only, as a WebSocket begins in it.
func (s *Harness) transportForSockets() http.RoundTripper {
	if s.Transport == nil {
		return http.DefaultTransport
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Transport.TLSClientConfig.RootCAs}}
}

// Status sends a request without a body and gives the status. An event stream is
// not read.
func (b *Browser) Status(t *testing.T, method, path string) int {
	t.Helper()
	r, err := http.NewRequest(method, b.Harness.Base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text []byte
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		if text, err = io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	return Answer{resp, string(text)}.asPublished(t, nil).StatusCode
}

func (b *Browser) Readyz() Answer {
	b.Harness.T.Helper()
	ops := *b.Harness
	ops.Base = b.Harness.Ops
	probe := *b
	probe.Harness = &ops
	return probe.Do("GET", "/readyz", nil)
}
