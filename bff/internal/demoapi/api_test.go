package demoapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestNewRefuses(t *testing.T) {
	if _, err := New(Options{}); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v", err)
	}
	if _, err := New(Options{JWKSURL: "gate.example", Issuer: "i", Audience: "a", Now: time.Now}); err == nil {
		t.Error("a JWKS URL without scheme")
	}
}

func TestRoutes(t *testing.T) {
	b := newBench(t)
	token := b.token(t, "k1")
	w := b.do("GET", "/me", token, "", "X-Request-Id", "req-1")
	if got, want := strings.TrimSpace(w.Body.String()), `{"id":"7","email":"ann@example.org","role":"user","audience":"demo","requestId":"req-1"}`; got != want {
		t.Errorf("me: %s", got)
	}
	for _, tt := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/healthz", "", 200}, {"POST", "/healthz", "", 405}, {"POST", "/me", token, 405}, {"DELETE", "/notes", token, 405},
		{"GET", "/", token, 404}, {"GET", "/notes/1", token, 404}, {"GET", "/nothing", "", 404},
		{"GET", "/notes", "", 401}, {"POST", "/notes", "", 401}, {"GET", "/clock", "", 401}, {"GET", "/echo", "", 401}, {"GET", "/echo", token, 426},
	} {
		w := b.do(tt.method, tt.path, tt.token, "")
		if w.Code != tt.status {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, w.Code, tt.status)
		}
		if (tt.status == 404 || tt.status == 405) && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %v", tt.method, tt.path, w.Header())
		}
		if tt.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.path)
		}
	}
}

func TestNotes(t *testing.T) {
	b := newBench(t)
	ann, bob := b.token(t, "k1"), b.token(t, "k1", claim("sub", "8"))
	if w := b.do("GET", "/notes", ann, ""); strings.TrimSpace(w.Body.String()) != `{"notes":[]}` {
		t.Errorf("no notes: %s", w.Body)
	}
	for _, tt := range []struct {
		body   string
		status int
	}{
		{`{"text":"hello"}`, 201}, {` {"text":"é` + strings.Repeat("é", 499) + `"} `, 201},
		{`{"text":""}`, 422}, {`{}`, 422}, {`{"text":null}`, 422}, {`{"text":1}`, 422}, {`{"text":"a","x":1}`, 422}, {`{"Text":"a"}`, 422}, {`[]`, 422}, {`"a"`, 422},
		{`{"text":"` + strings.Repeat("é", 501) + `"}`, 422},
		{`{"text":"a","text":"b"}`, 400}, {`{"text":"a"} {}`, 400}, {`{"text":"a"`, 400}, {"{\"text\":\"\xff\"}", 400}, {`text=a`, 400},
		{`{"text":"` + strings.Repeat("a", 20<<10) + `"}`, 413},
	} {
		if w := b.do("POST", "/notes", ann, tt.body); w.Code != tt.status {
			t.Errorf("%.40s: %d %s, want %d", tt.body, w.Code, w.Body, tt.status)
		}
	}
	if w := b.do("POST", "/notes", ann, "text=a", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 415 {
		t.Errorf("a form: %d", w.Code)
	}
	b.clock.advance(time.Second)
	w := b.do("POST", "/notes", bob, `{"text":"bob's"}`)
	var note Note
	if err := json.Unmarshal(w.Body.Bytes(), &note); err != nil || note.Text != "bob's" || note.ID == "" || !note.CreatedAt.Equal(b.clock.now()) {
		t.Errorf("%s", w.Body)
	}
	var list struct{ Notes []Note }
	_ = json.Unmarshal(b.do("GET", "/notes", bob, "").Body.Bytes(), &list)
	if len(list.Notes) != 1 || list.Notes[0] != note {
		t.Errorf("bob sees %v", list.Notes)
	}
	_ = json.Unmarshal(b.do("GET", "/notes", ann, "").Body.Bytes(), &list)
	if len(list.Notes) != 2 || list.Notes[1].Text != "hello" {
		t.Errorf("ann sees %d notes", len(list.Notes))
	}
}

func TestNotebookIsBounded(t *testing.T) {
	clock := &fakeClock{t: time.Unix(1000, 0)}
	b := newNotebook(clock.now)
	for i := range maxNotesPerUser + 5 {
		b.add("ann", fmt.Sprint(i))
	}
	if list := b.list("ann"); len(list) != maxNotesPerUser || list[0].Text != fmt.Sprint(maxNotesPerUser+4) {
		t.Errorf("%d notes, newest %q", len(list), list[0].Text)
	}
	for i := range maxNoteUsers {
		clock.advance(time.Second)
		b.add(fmt.Sprint("u", i), "x")
	}
	if len(b.byUser) != maxNoteUsers || len(b.list("ann")) != 0 || len(b.list("u0")) != 1 {
		t.Errorf("%d users", len(b.byUser))
	}
}

func TestClock(t *testing.T) {
	b := newBench(t)
	left := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.api.ServeHTTP(w, r)
		close(left)
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/clock", nil)
	r.Header.Set("Authorization", "Bearer "+b.token(t, "k1"))
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	br := bufio.NewReader(res.Body)
	for range 2 {
		want := "event: tick\ndata: {\"now\":\"2030-01-02T03:04:05Z\"}\n\n"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
	}
	cancel()
	<-left
}

func TestEcho(t *testing.T) {
	b := newBench(t)
	srv := httptest.NewServer(b.api)
	defer srv.Close()
	dial := func(token string) (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(t.Context(), srv.URL+"/echo", &websocket.DialOptions{
			HTTPClient: srv.Client(), HTTPHeader: http.Header{"Authorization": {"Bearer " + token}, "Origin": {"https://gate.example"}},
		})
	}
	if _, res, err := dial("junk"); err == nil || res.StatusCode != 401 {
		t.Errorf("without a good token: %v", err)
	}
	c, _, err := dial(b.token(t, "k1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if kind, msg, err := c.Read(t.Context()); err != nil || kind != websocket.MessageText || string(msg) != "hello" {
		t.Errorf("%v %q %v", kind, msg, err)
	}
	c.SetReadLimit(-1)
	_ = c.Write(t.Context(), websocket.MessageBinary, make([]byte, maxEchoMessage))
	if _, msg, err := c.Read(t.Context()); err != nil || len(msg) != maxEchoMessage {
		t.Errorf("the largest message: %d, %v", len(msg), err)
	}
	_ = c.Write(t.Context(), websocket.MessageBinary, make([]byte, maxEchoMessage+1))
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a message too big: %v", err)
	}
}
