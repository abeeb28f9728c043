package attack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// Clients that hold connections without using them: with Go's defaults 200 of
// 200 were held for good, each with a connection and a goroutine at the
// upstream behind it.

// slowSite is a product whose clients may stall for as long as a test can
// wait, in front of an upstream that counts the requests which it has open.
type slowSite struct {
	*site.Harness
	open atomic.Int64
}

const testStall = time.Second

func newSlowSite(t *testing.T) *slowSite {
	t.Helper()
	s := &slowSite{Harness: site.Embedded(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("/reads", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "read %d, %v", n, err)
	})
	mux.HandleFunc("/answers", func(w http.ResponseWriter, r *http.Request) { // first, and reads then
		_ = http.NewResponseController(w).EnableFullDuplex()
		fmt.Fprint(w, "I am all ears")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	mux.HandleFunc("/talks", func(w http.ResponseWriter, r *http.Request) { // without end
		for text := make([]byte, 64<<10); r.Context().Err() == nil; {
			if _, err := w.Write(text); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/drips", func(w http.ResponseWriter, r *http.Request) {
		for range 25 {
			fmt.Fprint(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-time.After(testStall / 10)
		}
	})
	mux.HandleFunc("/echo", site.EchoAPI)
	mux.HandleFunc("/quiet", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-time.After(5 * testStall / 2)
		fmt.Fprint(w, "data: done\n\n")
	})
	mux.HandleFunc("/thinks", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * testStall / 2):
		}
		fmt.Fprint(w, "done")
	})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.open.Add(1)
		defer s.open.Add(-1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(up.Close)
	s.Env["ROUTES_FILE"] = site.NewRoutesFile(t, site.PublicRow("/api/up", up.URL)+"\nstrip_prefix: /api/up\nmax_body: none").Name
	s.ClientStall = testStall
	s.Start()
	return s
}

func (s *slowSite) dial() (*net.TCPConn, *bufio.Reader) {
	s.T.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn.(*net.TCPConn), bufio.NewReader(conn)
}

func (s *slowSite) say(conn net.Conn, text string) error {
	_, err := io.WriteString(conn, onWire.Replace(text))
	return err
}

// ended: the product has closed the connection, and not the test's deadline.
func ended(t *testing.T, br *bufio.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, br); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection is held")
	}
}

// A client that drips its header has five seconds for all of it, however many
// such clients there are.
func TestDrippedHeadersAreGivenUp(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	var conns []*bufio.Reader
	for i := range 60 {
		conn, br := s.dial()
		conns = append(conns, br)
		if i%2 == 1 { // and stops
			if err := s.say(conn, "G"); err != nil {
				t.Fatal(err)
			}
		} else {
			go func() {
				for text := "GET /healthz HTTP/1.1\nHost: x\nX-A: "; s.say(conn, text) == nil; text = "a" {
					<-time.After(100 * time.Millisecond)
				}
			}()
		}
	}
	start := time.Now()
	for _, br := range conns {
		ended(t, br)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	s.Browser().Do("GET", "/healthz", nil).Want(t, 200)
}

// dripUntilAnswered keeps a body moving, and stops half way with the answer's
// first byte.
func (s *slowSite) dripUntilAnswered(conn net.Conn, br *bufio.Reader) {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = br.Peek(1)
	}()
	for {
		select {
		case <-answered:
			return
		case <-time.After(testStall / 10):
			_ = s.say(conn, "x") // fails when we were given up: what is read next says so
		}
	}
}

// A body that stops half way: 408 while that can be said, else the end of the
// connection, and the upstream is free again.
func TestStalledBodiesAreGivenUp(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	for name, c := range map[string]struct {
		send, want string
	}{
		"length":               {"POST /api/up/reads HTTP/1.1\nHost: x\nContent-Length: 100\n\nhello", "HTTP/1.1 408 "},
		"length, no body":      {"PUT /api/up/reads HTTP/1.1\nHost: x\nContent-Length: 100\n\n", "HTTP/1.1 408 "},
		"chunks":               {"POST /api/up/reads HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\nhello\n", "HTTP/1.1 408 "},
		"in a chunk":           {"POST /api/up/reads HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\nhel", "HTTP/1.1 408 "},
		"in a chunk's size":    {"POST /api/up/reads HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5", "HTTP/1.1 408 "},
		"in the trailers":      {"POST /api/up/reads HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX: y\n", "HTTP/1.1 408 "},
		"asked to go on":       {"POST /api/up/reads HTTP/1.1\nHost: x\nExpect: 100-continue\nContent-Length: 100\n\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "},
		"HTTP/1.0":             {"POST /api/up/reads HTTP/1.0\nHost: x\nContent-Length: 100\n\nhello", "HTTP/1.0 408 "},
		"answered already":     {"POST /api/up/answers HTTP/1.1\nHost: x\nContent-Length: 10000\n\nhello", "HTTP/1.1 200 "},
		"behind a good answer": {"GET /healthz HTTP/1.1\nHost: x\n\nPOST /api/up/reads HTTP/1.1\nHost: x\nContent-Length: 100\n\nhello", "HTTP/1.1 200 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, br := s.dial()
			if err := s.say(conn, c.send); err != nil {
				t.Fatal(err)
			}
			if name == "answered already" {
				s.dripUntilAnswered(conn, br)
			}
			text, err := io.ReadAll(br)
			if err != nil && strings.Contains(err.Error(), "timeout") {
				t.Fatalf("the connection is held; %q", text)
			}
			if !strings.HasPrefix(string(text), c.want) {
				t.Errorf("%q", text)
			}
			if timeout := strings.Contains(string(text), `"code":"request_timeout"`) && strings.Contains(string(text), "Connection: close") &&
				strings.Contains(string(text), "application/problem+json"); timeout == (name == "answered already") {
				t.Errorf("%q", text)
			}
		})
	}
	t.Cleanup(func() {
		s.Eventually("the upstream to be free", func() bool { return s.open.Load() == 0 })
		if logged := s.Logs.String(); strings.Contains(logged, `"status":50`) {
			t.Errorf("a stalled body is no fault of ours: %s", logged)
		}
	})
}

// A client that requests much and reads nothing holds neither a connection here nor
// one at the upstream.
func TestReadersThatStopAreGivenUp(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	for range 5 {
		conn, br := s.dial()
		_ = conn.SetReadBuffer(16 << 10)
		if err := s.say(conn, "GET /api/up/talks HTTP/1.1\nHost: x\n\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := br.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	s.Eventually("the upstream to be free", func() bool { return s.open.Load() == 0 })
	s.Eventually("five lines of the log", func() bool { return strings.Count(s.Logs.String(), `"broken_off":true`) == 5 })
}

// Slow is fine as long as something moves, and so is waiting for an upstream.
func TestSlowClientsThatMoveAreServed(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	t.Run("a body that drips", func(t *testing.T) {
		t.Parallel()
		conn, br := s.dial()
		if err := s.say(conn, "POST /api/up/reads HTTP/1.1\nHost: x\nContent-Length: 25\n\n"); err != nil {
			t.Fatal(err)
		}
		for range 25 {
			<-time.After(testStall / 10)
			if err := s.say(conn, "x"); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "read 25, <nil>" || resp.Close {
			t.Errorf("%q, %v, close %v", text, err, resp.Close)
		}
	})
	t.Run("a reader with a small straw", func(t *testing.T) {
		t.Parallel()
		conn, br := s.dial()
		if err := s.say(conn, "GET /api/up/talks HTTP/1.1\nHost: x\n\n"); err != nil {
			t.Fatal(err)
		}
		for range 30 { // more than what the kernel takes in advance
			if _, err := io.CopyN(io.Discard, br, 1<<20); err != nil {
				t.Fatal(err)
			}
			<-time.After(testStall / 10)
		}
		conn.Close()
	})
	t.Run("a WebSocket with nothing to say", func(t *testing.T) {
		t.Parallel()
		conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.Base, "http")+"/api/up/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		for range 2 {
			site.WantEcho(t, conn, "still here")
			<-time.After(5 * testStall / 2)
		}
		site.WantEcho(t, conn, "still here")
	})
	t.Run("a connection that is kept", func(t *testing.T) {
		t.Parallel()
		conn, br := s.dial()
		for range 2 {
			if err := s.say(conn, "POST /api/up/reads HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(br, nil)
			if err != nil || resp.StatusCode != 200 {
				t.Fatal(resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			<-time.After(5 * testStall / 2)
		}
	})
	for path, want := range map[string]string{"/api/up/drips": strings.Repeat("x", 25), "/api/up/thinks": "done", "/api/up/quiet": "data: done\n\n"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if text := s.Browser().Do("GET", path, nil).Want(t, 200).Text; text != want {
				t.Errorf("%q", text)
			}
		})
	}
}

// Closing a tab must not be logged as an error.
func TestClientThatLeavesIsNotLoggedAsAnError(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	conn, _ := s.dial()
	if err := s.say(conn, "GET /api/up/thinks HTTP/1.1\nHost: x\n\n"); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the request to arrive", func() bool { return s.open.Load() == 1 })
	conn.Close()
	s.Eventually("the log line", func() bool { return strings.Contains(s.Logs.String(), `"route":"/api/up"`) })
	if logged := s.Logs.String(); !strings.Contains(logged, `"status":499`) || strings.Contains(logged, `"level":"ERROR"`) {
		t.Error(logged)
	}
	s.Eventually("the upstream to be free", func() bool { return s.open.Load() == 0 })
}
