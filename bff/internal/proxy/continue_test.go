package proxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// Two 100s went out for one request: net/http writes one when the body is first
// read, and the upstream's was passed on beside it. A client that reads heads
// one by one took the second for the answer.
func TestOneContinueForOneRequest(t *testing.T) {
	const (
		atOnce, twice, late, lateTwice = "at once", "twice", "late", "late and twice"
		never, refused                 = "never", "refused"
		withHints, unasked             = "between hints", "unasked"
	)
	for _, tt := range []struct {
		upstream string // when its 100 comes
		early    bool   // the client's body comes with its head
		want     int    // 100s
	}{
		{atOnce, false, 1}, {atOnce, true, 1}, {twice, false, 1}, {twice, true, 1}, {late, false, 1}, {late, true, 1},
		{lateTwice, false, 1}, {lateTwice, true, 1}, {never, false, 1}, {never, true, 1}, {refused, false, 0}, {refused, true, 0},
		{withHints, false, 1}, {withHints, true, 1}, {unasked, true, 0},
	} {
		name := tt.upstream
		if tt.early {
			name += ", body early"
		}
		t.Run(name, func(t *testing.T) {
			url := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
				say := func(text string) { _, _ = io.WriteString(c, text) }
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				switch tt.upstream {
				case atOnce:
					say(goOn)
				case twice:
					say(goOn + goOn)
				case withHints:
					say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + goOn + "HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n")
				case unasked:
					say(goOn)
				case refused:
					say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
					_, _ = io.Copy(io.Discard, br)
					return
				}
				if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil { // after the transport's wait where no 100 came
					return
				}
				switch tt.upstream {
				case late:
					say(goOn)
				case lateTwice:
					say(goOn + goOn)
				}
				_, _ = io.Copy(io.Discard, r.Body)
				say(twoBytes)
			})
			g := newGate(t, url, nil, func(o *gateOptions) {
				o.upstream.ExpectContinueTimeout = 20 * time.Millisecond
				if tt.upstream == atOnce || tt.upstream == twice || tt.upstream == refused {
					o.upstream.ExpectContinueTimeout = time.Minute
				}
			})
			head := "POST /api/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
			if tt.upstream == unasked {
				head = strings.Replace(head, "Expect: 100-continue\r\n", "", 1)
			}
			c, br := g.dial(t)
			if tt.early {
				_, _ = io.WriteString(c, head+"hello")
			} else {
				_, _ = io.WriteString(c, head)
			}
			var hints, continues, status int
			for status < 200 {
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatalf("after %d 100s: %v", continues, err)
				}
				switch status = res.StatusCode; status {
				case 100:
					if continues++; continues == 1 && !tt.early {
						_, _ = io.WriteString(c, "hello")
					}
					if len(res.Header) > 0 {
						t.Errorf("the 100 has %v", res.Header)
					}
				case 103:
					hints++
				}
			}
			rest, err := io.ReadAll(br)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) || strings.Contains(string(rest), "HTTP/1.1") {
				t.Errorf("after the answer's head: %q, %v", rest, err)
			}
			wantStatus := 200
			if tt.upstream == refused {
				wantStatus = 413
			}
			if status != wantStatus || continues != tt.want || tt.upstream == withHints && hints != 2 {
				t.Errorf("%d after %d 100s and %d 103s, want %d after %d", status, continues, hints, wantStatus, tt.want)
			}
		})
	}
}

// HTTP/1.0 knows no 1xx, and does not wait for one.
func TestNoContinueForHTTP10(t *testing.T) {
	url := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusContinue)
		_, _ = io.Copy(w, r.Body)
	})
	g := newGate(t, url, nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, "POST /api/x HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello")
	if text, err := io.ReadAll(br); err != nil || !strings.HasPrefix(string(text), "HTTP/1.0 200") || strings.Contains(string(text), " 100 ") {
		t.Errorf("%q, %v", text, err)
	}
}
