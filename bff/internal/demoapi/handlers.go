package demoapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const maxEchoMessage = 64 << 10

// me answers what a backend gets to know of its caller. The token itself is
// not shown.
func (a *API) me(w http.ResponseWriter, r *http.Request, who Caller) {
	answer(w, http.StatusOK, struct {
		ID        string `json:"id"`
		Email     string `json:"email"`
		Role      string `json:"role"`
		Audience  string `json:"audience"`
		RequestID string `json:"requestId"`
	}{who.ID, who.Email, who.Role, who.Audience, r.Header.Get("X-Request-Id")})
}

// clock sends server-sent events (WHATWG HTML §9.2): the time, at once and
// then every second.
func (a *API) clock(w http.ResponseWriter, r *http.Request, _ Caller) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if _, err := fmt.Fprintf(w, "event: tick\ndata: {\"now\":%q}\n\n", a.now().UTC().Format(time.RFC3339Nano)); err != nil {
			return
		}
		if err := out.Flush(); err != nil || r.Method == http.MethodHead {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// echo is a WebSocket that echoes each message. It does not check the origin:
// Gatehouse has, and requests without a token do not get here.
func (a *API) echo(w http.ResponseWriter, r *http.Request, _ Caller) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer c.CloseNow()
	c.SetReadLimit(maxEchoMessage)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails when the client is gone
}

// problem answers with RFC 9457.
func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}
