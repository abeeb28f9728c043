package journey

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// A front-end development server behind the product: same origin, same
// cookies, hot reload's WebSocket included.
func TestPagesFromADevelopmentServer(t *testing.T) {
	vite := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "websocket" {
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
			if err == nil {
				_ = conn.Write(r.Context(), websocket.MessageText, []byte("connected"))
				conn.Close(websocket.StatusNormalClosure, "")
			}
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "access_token", Value: "planted"})
		w.Header().Set("Referrer-Policy", "unsafe-url")
		if !strings.Contains(r.URL.Path, ".") {
			w.Header().Set("Content-Type", "text/html")
		}
		fmt.Fprintf(w, "from vite: %s cookies=%q", r.URL.Path, r.Header.Get("Cookie"))
	}))
	defer vite.Close()
	s := site.Embedded(t)
	s.Env["SPA_DEV_URL"] = vite.URL
	s.NoApp = true
	s.Start()
	b := s.Member("ada@example.com")

	for _, path := range []string{"/", "/dashboard", "/src/main.tsx", "/@vite/client", "/nowhere"} {
		a := b.Do("GET", path, nil).Want(t, 200)
		if a.Text != "from vite: "+path+` cookies=""` || len(a.Cookies()) != 0 {
			t.Errorf("%s: %q, cookies %v", path, a.Text, a.SetCookies())
		}
		referrer := "same-origin"
		if strings.Contains(path, ".") {
			referrer = "no-referrer"
		}
		if got := a.Header.Values("Referrer-Policy"); len(got) != 1 || got[0] != referrer {
			t.Errorf("%s: Referrer-Policy %q, want %q", path, got, referrer)
		}
		if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe-eval") {
			t.Errorf("%s: %s", path, csp)
		}
		if report := a.Header.Get("Content-Security-Policy-Report-Only"); !strings.Contains(report, "trusted-types 'none'") {
			t.Errorf("%s: what production refuses is not reported: %q", path, report)
		}
	}
	if report := b.Do("GET", "/api/auth/me", nil).Header.Get("Content-Security-Policy-Report-Only"); report != "" {
		t.Errorf("an answer of the API reports %q", report)
	}
	if logs := s.Logs.String(); !strings.Contains(logs, `"relaxed":"inline scripts`) || !strings.Contains(logs, vite.URL) {
		t.Errorf("the log does not say what is relaxed, and for whom: %s", logs)
	}
	b.Do("GET", "/api/auth/me", nil).Want(t, 200)
	b.Do("GET", "/api/auth/me", nil, "Origin", vite.URL).Want(t, 200)
	s.Browser().Do("GET", "/dashboard", nil).Want(t, 302)

	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.Base, "http")+"/?token=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if _, text, err := conn.Read(t.Context()); err != nil || string(text) != "connected" {
		t.Errorf("hot reload: %q, %v", text, err)
	}

	vite.Close()
	if a := b.Do("GET", "/", nil).Want(t, 502); !strings.Contains(a.Text, "make dev") {
		t.Errorf("without the server: %s", a.Text)
	}
}
