package e2e

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

// browser is somebody's browser: it keeps cookies and follows no redirects.
type browser struct {
	site   *site
	client *http.Client
	jar    *cookiejar.Jar
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	transport := http.DefaultTransport
	if s.transport != nil {
		transport = s.transport
	}
	return &browser{site: s, jar: jar, client: &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response, read whole.
type answer struct {
	*http.Response
	text string
}

// do sends a request. body may be nil or anything that is JSON; headers come
// as name, value pairs. What comes back must be what openapi.yaml says.
func (b *browser) do(method, path string, body any, headers ...string) answer {
	b.site.t.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			b.site.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, b.site.base+path, bytes.NewReader(sent))
	if err != nil {
		b.site.t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.site.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.site.t.Fatal(err)
	}
	return answer{resp, string(text)}.asPublished(b.site.t, sent)
}

type object = map[string]any

func (a answer) json(t *testing.T) object {
	t.Helper()
	var out object
	if err := json.Unmarshal([]byte(a.text), &out); err != nil {
		t.Fatalf("%s: %v in %q", a.Request.URL.Path, err, a.text)
	}
	return out
}

// want checks the status and, for a problem, its code.
func (a answer) want(t *testing.T, status int, code ...string) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text, status)
	}
	if len(code) > 0 {
		p := a.json(t)
		if p["code"] != code[0] || a.Header.Get("Content-Type") != "application/problem+json" ||
			p["status"] != float64(status) || p["title"] == "" || p["requestId"] != a.Header.Get("X-Request-Id") {
			t.Fatalf("%s %s: %s (%s), want problem %s", a.Request.Method, a.Request.URL.Path, a.text, a.Header.Get("Content-Type"), code[0])
		}
	}
	return a
}

// setCookies gives the names set (true) and cleared (false) by an answer.
func (a answer) setCookies() map[string]bool {
	names := map[string]bool{}
	for _, c := range a.Cookies() {
		names[c.Name] = c.MaxAge >= 0
	}
	return names
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.site.base)
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// put plants a cookie, as a thief or a second device of the same jar would.
func (b *browser) put(name, value string) {
	u, _ := url.Parse(b.site.base)
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

const goodPassword = "a heron on the mill pond"

func credentials(email string) object { return object{"email": email, "password": goodPassword} }

// member is a browser of somebody who has just signed up and in.
func (s *site) member(email string) *browser {
	s.t.Helper()
	b := s.browser()
	b.do("POST", "/api/auth/register", credentials(email)).want(s.t, 201)
	b.do("POST", "/api/auth/login", credentials(email)).want(s.t, 200)
	return b
}

// transportForSockets speaks HTTP/1.1 only, as a WebSocket begins in it.
func (s *site) transportForSockets() http.RoundTripper {
	if s.transport == nil {
		return http.DefaultTransport
	}
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.transport.TLSClientConfig.RootCAs}}
}
