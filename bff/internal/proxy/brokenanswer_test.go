package proxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// An answer that broke off with up to three bytes of its body was an empty reply:
// nothing had left our buffers. A browser sends a POST again that got nothing,
// and one order became up to four. Where nothing of the body came the client gets
// a 502, otherwise the header and what came, and then a broken connection.
func TestAnswerThatBreaksOffIsNoEmptyReply(t *testing.T) {
	defer func(d time.Duration) { headWait = d }(headWait)
	headWait = time.Minute // what closes at once has closed by then
	const empty, cut, whole = "502", "cut", "whole"
	long := strings.Repeat("x", 100<<10)
	cert, roots := withCertificate(t)
	const unfinished = "X-Unfinished: 1\nContent-Length: 100000\n\nhello"
	requests := []string{"GET \n", "HEAD \n", "POST Content-Length: 0\n\n", "POST Content-Length: 5\n\nhello", "PUT Transfer-Encoding: chunked\n\n5\nhello\n0\n\n",
		"PATCH Content-Length: 5\n\nhello", "DELETE \n", "POST " + unfinished, "PUT " + unfinished}
	for name, tt := range map[string]struct {
		answer string
		want   string
		body   string // what arrives of it
		only   string // methods
	}{
		"no byte of a length":            {"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", empty, "", ""},
		"one byte of a length":           {"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\na", cut, "a", ""},
		"three bytes of a length":        {"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc", cut, "abc", ""},
		"all but one byte":               {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", cut, "abc", ""},
		"much of a length":               {"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + long, cut, long, "GET POST"},
		"all of a length":                {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", whole, "abc", ""},
		"nothing of no length":           {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", whole, "", ""},
		"no chunk":                       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", empty, "", ""},
		"a chunk's size":                 {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", empty, "", ""},
		"part of a chunk":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", cut, "hel", ""},
		"a chunk, and no end":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", cut, "hello", ""},
		"a chunk that is none":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", empty, "", ""},
		"an end without its line":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", cut, "hello", ""},
		"no chunk, whole":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", whole, "", ""},
		"to the end of the connection":   {"HTTP/1.0 200 OK\r\n\r\nhello", whole, "hello", ""},
		"nothing, to the end of it":      {"HTTP/1.0 200 OK\r\n\r\n", whole, "", ""},
		"an error page":                  {"HTTP/1.1 500 Oh\r\nContent-Length: 30\r\n\r\n", empty, "", ""},
		"a truncated header":             {"HTTP/1.1 200 OK\r\nContent-Le", empty, "", ""},
		"a truncated header after a 1xx": {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConte", empty, "", ""},
		"a 1xx":                          {"HTTP/1.1 103 Early Hints\r\n\r\n", empty, "", ""},
		"a HEAD's length":                {"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", whole, "", "HEAD"},
		"a HEAD's chunks":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", whole, "", "HEAD"},
		"a 204":                          {"HTTP/1.1 204 No Content\r\n\r\n", whole, "", ""},
		"a 304 with a length":            {"HTTP/1.1 304 Not Modified\r\nContent-Length: 30\r\n\r\n", whole, "", "GET HEAD"},
		"an event stream's header":       {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", cut, "", ""},
		"an event":                       {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n", cut, "data:", ""},
		"an event stream with a length":  {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 30\r\n\r\ndata:", cut, "data:", ""},
	} {
		for _, ending := range []string{"FIN", "RST", "TLS"} {
			if ending == "RST" && (tt.want == whole || strings.HasPrefix(tt.answer, "HTTP/1.0")) {
				continue
			}
			t.Run(name+", "+ending, func(t *testing.T) {
				var sent atomic.Int64
				closed := make(chan struct{}, 4)
				url := rawUpstream(t, func(plain net.Conn, _ *bufio.Reader) {
					c := plain
					defer func() {
						c.Close() // TLS says so
						plain.Close()
						closed <- struct{}{}
					}()
					if ending == "TLS" {
						c = tls.Server(plain, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
					}
					r, err := http.ReadRequest(bufio.NewReader(c))
					if err != nil {
						return
					}
					sent.Add(1)
					if r.Header.Get("X-Unfinished") == "" {
						_, _ = io.Copy(io.Discard, r.Body)
					} else {
						_, _ = io.ReadFull(r.Body, make([]byte, 5))
					}
					_, _ = io.WriteString(c, tt.answer)
					if ending == "RST" {
						_ = plain.(*net.TCPConn).SetLinger(0)
					}
				})
				if ending == "TLS" {
					url = strings.Replace(url, "http:", "https:", 1)
				}
				g := newGate(t, url, nil, roots)
				for _, request := range requests {
					method, head, _ := strings.Cut(request, " ")
					if (tt.only != "" || method == "HEAD") && !strings.Contains(tt.only, method) {
						continue
					}
					sent.Store(0)
					conn, br := g.dial(t)
					_, _ = io.WriteString(conn, strings.ReplaceAll(method+" /api/x HTTP/1.1\nHost: h\n"+head, "\n", "\r\n"))
					got, err := readAnswer(br, method)
					if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%s: %v", request, err)
						continue
					}
					switch {
					case tt.want == empty:
						if got.status != 502 || err != nil || !strings.Contains(got.text, "cannot be reached") || g.last.Load().Kind != Unreachable {
							t.Errorf("%s: %+v, %v", request, got, err)
						}
					case got.status == 502, got.text != tt.body, (tt.want == cut) != (err != nil):
						t.Errorf("%s: %d with %d bytes, %v, want %d bytes, %s", request, got.status, len(got.text), err, len(tt.body), tt.want)
					}
					conn.Close()
					n := sent.Load()
					if most := int64(1); n < 1 || n > most && (method == "POST" || method == "PATCH" || strings.Contains(head, "\n\n") || tt.body != "") || n > 2 {
						t.Errorf("%s: sent %d times", request, n)
					}
					for range n { // else the next request may come before
						wait(t, "the upstream's end", closed)
					}
				}
			})
		}
	}
}

type brokenAnswer struct {
	status int
	text   string
}

// readAnswer reads an answer and what is before it. io.ErrUnexpectedEOF: it was
// seen to break off, behind its header.
func readAnswer(br *bufio.Reader, method string) (got brokenAnswer, err error) {
	for got.status < 200 {
		res, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			return got, fmt.Errorf("no header: %v", err)
		}
		got.status = res.StatusCode
		if got.status < 200 {
			continue
		}
		text, err := io.ReadAll(res.Body)
		got.text = string(text)
		return got, err
	}
	return got, nil
}

// HTTP/1.0 has no chunks: the end of the connection made what came of an answer
// look whole, to nginx with its defaults for one. It is reset instead.
func TestBrokenAnswerIsNotWholeInHTTP10(t *testing.T) {
	for answer, whole := range map[string]bool{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n":          false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n": true,
	} {
		url, _ := scripted(t, func(_, _ int, w io.Writer) bool { _, _ = io.WriteString(w, answer); return false })
		g := newGate(t, url, nil)
		for _, request := range []string{"GET /api/x HTTP/1.0\r\n\r\n", "POST /api/x HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", "POST /api/x HTTP/1.0\r\nContent-Length: 5000\r\n\r\nhello"} {
			if whole && strings.Contains(request, "5000") {
				continue
			}
			c, br := g.dial(t)
			_, _ = io.WriteString(c, request)
			text, err := io.ReadAll(br)
			if !strings.HasPrefix(string(text), "HTTP/1.0 200") || !strings.HasSuffix(string(text), "\r\n\r\nhello") || errors.Is(err, syscall.ECONNRESET) == whole {
				t.Errorf("%.20q: %q, %v, whole %v", request, text, err, whole)
			}
		}
	}
}

// A connection that is closed with bytes of the request unread is reset, and a
// client may lose with it what it has not read of the answer.
func TestBrokenAnswerIsNotResetUnderAnUpload(t *testing.T) {
	url := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if r, err := http.ReadRequest(br); err == nil {
			_, _ = io.ReadFull(r.Body, make([]byte, 5))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc")
		}
	})
	g := newGate(t, url, nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nhello")
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	if text, err := io.ReadAll(br); string(text) != "abc" || err != nil { // the end, before the client is done
		t.Errorf("%q, %v", text, err)
	}
	if _, err := io.WriteString(c, strings.Repeat("x", 3000000)); err != nil {
		t.Errorf("the rest of the body: %v", err)
	}
}

// Headers of a stream do not wait for its first byte for good.
func TestHeaderOfASilentStreamLeaves(t *testing.T) {
	for _, contentType := range []string{"text/event-stream", "application/x-ndjson"} {
		for scheme, h := range map[string]func(http.HandlerFunc) (string, gateOption){
			"http": func(h http.HandlerFunc) (string, gateOption) { return upstreamFunc(t, h), func(*gateOptions) {} },
			"h2c":  func(h http.HandlerFunc) (string, gateOption) { return h2Upstream(t, false, h) },
		} {
			t.Run(contentType+" "+scheme, func(t *testing.T) {
				goOn := make(chan struct{})
				url, option := h(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", contentType)
					w.(http.Flusher).Flush()
					select {
					case <-goOn:
						_, _ = io.WriteString(w, "data")
					case <-r.Context().Done():
					}
				})
				g := newGate(t, url, nil, option)
				res, err := noRedirect.Get(g.URL + "/api/x")
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if res.StatusCode != 200 || res.Header.Get("Content-Type") != contentType || g.headers.Load() != 1 {
					t.Errorf("%s, %v", res.Status, res.Header)
				}
				close(goOn)
				if text, err := io.ReadAll(res.Body); string(text) != "data" || err != nil {
					t.Errorf("%q, %v", text, err)
				}
			})
		}
	}
}
