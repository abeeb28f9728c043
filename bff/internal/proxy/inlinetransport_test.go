package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const twoBytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// scripted is an upstream whose n-th connection, from 0, goes as talk says; each
// takes the heads of requests and gives back whether it stays.
func scripted(t *testing.T, talk func(conn, request int, w io.Writer) (stay bool)) (url string, conns *atomic.Int64) {
	t.Helper()
	conns = new(atomic.Int64)
	url = rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		conn := int(conns.Add(1)) - 1
		for request := 0; ; request++ {
			if _, err := http.ReadRequest(br); err != nil || !talk(conn, request, c) {
				return
			}
		}
	})
	return url, conns
}

func TestSyncConnectionsAreUsedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		conns  int64
	}{
		"length":                     {twoBytes, 1},
		"chunks":                     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
		"chunks and a trailer":       {"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", 1},
		"nothing":                    {"HTTP/1.1 204 No Content\r\n\r\n", 1},
		"hints first":                {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + twoBytes, 1},
		"the upstream closes":        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 3},
		"HTTP/1.0":                   {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3},
		"more than the answer":       {twoBytes + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL", 3},
		"a body where none can be":   {"HTTP/1.1 204 No Content\r\n\r\nEVIL", 3},
		"chunks, and more than that": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEVIL", 3},
	} {
		t.Run(name, func(t *testing.T) {
			url, conns := scripted(t, func(_, _ int, w io.Writer) bool { _, _ = io.WriteString(w, tt.answer); return true })
			g := newGate(t, url, nil)
			for range 3 {
				if res, text := g.do(t, "GET", "/api/x", nil); res.StatusCode >= 300 || strings.Contains(text, "EVIL") {
					t.Errorf("%s %q", res.Status, text)
				}
			}
			if n := conns.Load(); n != tt.conns {
				t.Errorf("%d connections, want %d", n, tt.conns)
			}
		})
	}
}

// What comes after an answer, when nobody reads any more, belongs to no answer.
func TestWhatAnUpstreamSaysUnaskedIsNoAnswer(t *testing.T) {
	said := make(chan struct{})
	url, conns := scripted(t, func(conn, request int, w io.Writer) bool {
		_, _ = io.WriteString(w, twoBytes)
		if conn == 0 {
			<-said
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
			said <- struct{}{}
		}
		return true
	})
	g := newGate(t, url, nil)
	for i := range 2 {
		if res, text := g.do(t, "POST", "/api/x", nil); res.StatusCode != 200 || text != "ok" {
			t.Errorf("%d: %s %q", i, res.Status, text)
		}
		if i == 0 {
			said <- struct{}{}
			<-said
		}
	}
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestIdleConnectionThatIsGone(t *testing.T) {
	for name, tt := range map[string]struct {
		leaves string // the first connection, after its first answer
		method string
		want   int
	}{
		"closed meanwhile":                           {"at once", "GET", 200},
		"closed meanwhile, not repeatable":           {"at once", "POST", 200}, // nothing was sent
		"closed on our request":                      {"on request", "GET", 200},
		"closed on our request, no method to repeat": {"on request", "POST", 502},
		"closed in its answer":                       {"in answer", "GET", 502},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := scripted(t, func(conn, request int, w io.Writer) bool {
				switch {
				case conn == 0 && request == 1 && tt.leaves == "in answer":
					_, _ = io.WriteString(w, "HTTP/1.1 2")
					return false
				case conn == 0 && request == 1:
					return false
				}
				_, _ = io.WriteString(w, twoBytes)
				return conn > 0 || tt.leaves != "at once"
			})
			g := newGate(t, url, nil)
			if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 200 {
				t.Fatal(res.Status)
			}
			if res, _ := g.do(t, tt.method, "/api/x", nil); res.StatusCode != tt.want {
				t.Errorf("%s, want %d", res.Status, tt.want)
			}
		})
	}
}

func TestSyncAnswersThatAreNone(t *testing.T) {
	for name, answer := range map[string]string{
		"an endless header":   "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 1100) + "\r\n",
		"an unasked upgrade":  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"no HTTP":             "SSH-2.0-OpenSSH_9\r\n",
		"two lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		"hints without end":   strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100) + twoBytes,
		"a status of its own": "HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n",
		"nothing":             "",
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := scripted(t, func(_, _ int, w io.Writer) bool { _, _ = io.WriteString(w, answer); return false })
			g := newGate(t, url, nil)
			if res, text := g.do(t, "GET", "/api/x", nil); res.StatusCode != 502 {
				t.Errorf("%s %q", res.Status, text)
			}
		})
	}
}

// Neither a client that leaves nor an answer that nobody reads to its end
// leaves something behind for the next one.
func TestAbortedExchangeTakesItsConnectionAlong(t *testing.T) {
	arrived, gone := make(chan struct{}, 8), make(chan struct{}, 8)
	url := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if r.URL.Path == "/short" {
			_, _ = io.WriteString(c, twoBytes)
			_, _ = http.ReadRequest(br)
			return
		}
		arrived <- struct{}{}
		if r.URL.Path == "/long" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("half", 20000))
		}
		_, _ = br.ReadByte() // to the end of the connection
		gone <- struct{}{}
	})
	g := newGate(t, url, nil)
	for _, path := range []string{"/silent", "/long"} {
		conn, br := g.dial(t)
		fmt.Fprintf(conn, "GET /api/x%s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		wait(t, "the request for "+path, arrived)
		if path == "/long" {
			if _, err := br.ReadString('h'); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close()
		wait(t, "the upstream to hear of it at "+path, gone)
		if res, text := g.do(t, "GET", "/api/x/short", nil); text != "ok" {
			t.Errorf("%s %q", res.Status, text)
		}
	}
}
