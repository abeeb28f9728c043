package listener

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testIdle   = 11 * time.Minute
	testHeader = 5 * time.Second
)

// pipes is a listener whose connections are net.Pipe, for virtual time.
type pipes struct{ accept chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p.accept
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// pipeClient is a connection to a server with the deadlines of production.
type pipeClient struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func withPipeClient(t *testing.T, test func(c *pipeClient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{
			ReadHeaderTimeout: testHeader, IdleTimeout: testIdle, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					time.Sleep(time.Hour) // virtual
				}
				if r.URL.Path == "/deadline" {
					_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute))
				}
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					w.WriteHeader(http.StatusRequestTimeout)
				}
			}),
		}
		l := pipes{make(chan net.Conn)}
		checked := CheckFraming(server, l, Options{Log: slog.New(slog.DiscardHandler), Problem: testProblem})
		go func() { _ = server.Serve(checked) }()
		ours, theirs := net.Pipe()
		l.accept <- theirs
		defer func() {
			ours.Close()
			close(l.accept)
			server.Close()
		}()
		test(&pipeClient{t, ours, bufio.NewReader(ours)})
	})
}

func (c *pipeClient) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("sending %q: %v", text, err)
	}
}

func (c *pipeClient) wantAnswer(status int) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != status {
		c.t.Errorf("status %d, want %d", resp.StatusCode, status)
	}
}

// wantClosed checks that the server closes the connection after exactly this time.
func (c *pipeClient) wantClosed(after time.Duration) {
	c.t.Helper()
	start := time.Now()
	if _, err := io.Copy(io.Discard, c.in); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Error(err)
	}
	if took := time.Since(start); took != after {
		c.t.Errorf("closed after %v, want %v", took, after)
	}
}

const getRequest = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// A balancer may open connections before it needs them, and keep one that was used
// for ten minutes; closing it first loses a POST that is on its way.
func TestIdleConnectionsAreKeptForIdleTimeout(t *testing.T) {
	t.Run("new", func(t *testing.T) {
		withPipeClient(t, func(c *pipeClient) { c.wantClosed(testIdle) })
	})
	t.Run("new, and used in the last second", func(t *testing.T) {
		withPipeClient(t, func(c *pipeClient) {
			time.Sleep(testIdle - time.Second)
			c.send(getRequest)
			c.wantAnswer(200)
			c.wantClosed(testIdle)
		})
	})
	t.Run("kept", func(t *testing.T) {
		withPipeClient(t, func(c *pipeClient) {
			for range 3 {
				c.send(getRequest)
				c.wantAnswer(200)
				time.Sleep(testIdle - time.Second)
			}
			c.wantClosed(time.Second)
		})
	})
}

// A head must arrive within five seconds of its first byte. On a kept connection
// net/http would wait for the first four bytes as long as for a request.
func TestHeadDeadlineCountsFromTheFirstByte(t *testing.T) {
	for _, part := range []string{"G", "GET", "GET / HTTP/1.1\r\nHost: h\r\nX-A: ", "\r", "\r\n"} {
		name := strings.NewReplacer("\r", "CR", "\n", "LF", "/", "").Replace(part)
		t.Run("new/"+name, func(t *testing.T) {
			withPipeClient(t, func(c *pipeClient) {
				time.Sleep(time.Minute)
				c.send(part)
				if part == "\r\n" {
					c.wantClosed(0) // refused
				} else {
					c.wantClosed(testHeader)
				}
			})
		})
		t.Run("kept/"+name, func(t *testing.T) {
			withPipeClient(t, func(c *pipeClient) {
				c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
				c.wantAnswer(200)
				time.Sleep(time.Minute)
				c.send(part)
				c.wantClosed(testHeader)
			})
		})
	}
	t.Run("dripped", func(t *testing.T) {
		withPipeClient(t, func(c *pipeClient) {
			start := time.Now()
			for range 4 {
				c.send("G")
				time.Sleep(time.Second)
			}
			c.wantClosed(time.Second)
			if took := time.Since(start); took != testHeader {
				t.Errorf("%v from the first byte on, want %v", took, testHeader)
			}
		})
	})
}

// A part of the next head neither ends the request before it nor keeps the
// connection open for good after it.
func TestHeadBegunDuringARequestHasItsDeadlineAfterwards(t *testing.T) {
	withPipeClient(t, func(c *pipeClient) {
		c.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
		c.send("G") // net/http reads one byte ahead while a handler runs
		c.wantAnswer(200)
		c.wantClosed(testHeader)
	})
	withPipeClient(t, func(c *pipeClient) {
		c.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n" + getRequest + "GET / HT")
		c.wantAnswer(200)
		c.wantAnswer(200)
		c.wantClosed(testHeader)
	})
}

func TestBodiesHaveTheDeadlinesOfHandlers(t *testing.T) {
	withPipeClient(t, func(c *pipeClient) {
		c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh")
		time.Sleep(time.Hour)
		c.send("i")
		c.wantAnswer(200)
		c.send("POST /deadline HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh")
		time.Sleep(59 * time.Second)
		c.send("i")
		c.wantAnswer(200)
		c.send("POST /deadline HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh")
		c.wantAnswer(http.StatusRequestTimeout)
	})
}
