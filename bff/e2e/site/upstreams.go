package site

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// ForgingUpstream forges the product's response headers and records each request.
func ForgingUpstream(t *testing.T) (url string, last func() *http.Request) {
	t.Helper()
	got := make(chan *http.Request, 1)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Server", "X-Powered-By", "Strict-Transport-Security", "Content-Security-Policy", "Referrer-Policy",
			"Permissions-Policy", "Access-Control-Allow-Origin", "Cross-Origin-Opener-Policy", "Clear-Site-Data", "Alt-Svc", "Service-Worker-Allowed"} {
			h.Set(name, "forged")
		}
		h.Add("Set-Cookie", "access_token=forged")
		h.Add("Set-Cookie", "theme=dark")
		h.Set("WWW-Authenticate", `Basic realm="x"`)
		h.Set("Location", "http://"+r.Host+"/elsewhere?x=1")
		h.Set("X-Kept", "yes")
		h.Set("Content-Type", "text/plain")
		got <- r
	}))
	t.Cleanup(up.Close)
	return up.URL, func() *http.Request { t.Helper(); return <-got }
}

func EchoAPI(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	}
	<-time.After(5 * time.Millisecond)
	_, _ = io.Copy(w, r.Body)
}

// NamedUpstream answers every request with its name.
func NamedUpstream(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(s.Close)
	return s
}

// TokenUpstream records the Authorization header of each request.
func TokenUpstream(t *testing.T) (url string, taken func() string) {
	t.Helper()
	last := make(chan string, 16)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { last <- r.Header.Get("Authorization") }))
	t.Cleanup(up.Close)
	return up.URL, func() string {
		t.Helper()
		select {
		case header := <-last:
			return header
		default:
			t.Fatal("nothing arrived")
			return ""
		}
	}
}
