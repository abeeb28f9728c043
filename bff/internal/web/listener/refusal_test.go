package listener

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// refusals is a checked server, its log, and the statuses passed to its hook.
type refusals struct {
	*httptest.Server
	mu       sync.Mutex
	log      bytes.Buffer
	statuses []int
}

func (r *refusals) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func newRefusals(t *testing.T) *refusals {
	t.Helper()
	r := &refusals{Server: httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))}
	r.Config.MaxHeaderBytes = 64 << 10
	r.Config.ReadHeaderTimeout = 100 * time.Millisecond
	r.Listener = CheckFraming(r.Config, r.Listener, Options{Log: slog.New(slog.NewTextHandler(r, nil)), Problem: testProblem, Refused: func(status int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.statuses = append(r.statuses, status)
	}})
	r.Start()
	t.Cleanup(r.Close)
	return r
}

// send returns everything that the server answers.
func (r *refusals) send(t *testing.T, stream string) string {
	t.Helper()
	c, err := net.Dial("tcp", r.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(c, stream)
	answers, _ := io.ReadAll(c)
	return string(answers)
}

// These used to be answered with "not well-formed HTTP/1.1", and not logged.
func TestRefusalsAreLoggedCountedAndAnsweredWithAProblem(t *testing.T) {
	cookies := "Cookie: secret=" + strings.Repeat("c", 70<<10)
	for _, tt := range []struct {
		name, stream string
		status       int
		fault        error
		logs         []string
	}{
		{"cookies, in one line", "GET / HTTP/1.1\nHost: h\n" + cookies + "\n\n", 431,
			nil, []string{"status=431", "peer=127.0.0.1:", "head_bytes=6", "cookie_bytes=6"}},
		{"cookies, in many lines", "GET / HTTP/1.1\nHost: h\n" + strings.Repeat("cOOkie: secret="+strings.Repeat("c", 1000)+"\n", 80) + "\n", 431,
			nil, []string{"status=431", "cookie_bytes=6"}},
		{"another header", "GET / HTTP/1.1\nHost: h\nX: secret" + strings.Repeat("x", 70<<10) + "\n\n", 431,
			nil, []string{"status=431", "cookie_bytes=0"}},
		{"a path", "GET /secret" + strings.Repeat("x", 70<<10) + " HTTP/1.1\nHost: h\n\n", 431,
			nil, []string{"status=431", "head_bytes=6"}},
		{"no Host", "GET /secret HTTP/1.1\n\n", 400, nil, []string{"status=400", "missing required Host header"}},
		{"HTTP/3.0", "GET /secret HTTP/3.0\nHost: h\n\n", 505, nil, []string{"status=505"}},
		{"HTTP/0.9", "GET /secret\n\n", 400, nil, []string{"status=400"}},
		{"a coding", "POST /secret HTTP/1.1\nHost: h\nTransfer-Encoding: gzip, chunked\n\n", 501, nil, []string{"status=501"}},
		{"an expectation", "POST /secret HTTP/1.1\nHost: h\nExpect: secret\nContent-Length: 1\n\n", 417, errExpectation,
			[]string{"the expectation is not 100-continue"}},
		{"both lengths", "POST /secret HTTP/1.1\nHost: h\nContent-Length: 1\nTransfer-Encoding: chunked\n\n", 400,
			errBothLengths, []string{"Content-Length and Transfer-Encoding at once"}},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret", 400, errTLS, []string{"it is TLS, and this port speaks plain HTTP"}},
		{"PROXY protocol 1", "PROXY TCP4 203.0.113.7 10.0.0.1 51234 8080\nGET /secret HTTP/1.1\nHost: h\n\n", 400,
			errProxyProtocol, []string{"it begins with the PROXY protocol"}},
		{"PROXY protocol 1, unknown", "PROXY UNKNOWN\nGET /secret HTTP/1.1\nHost: h\n\n", 400, errProxyProtocol, []string{"PROXY protocol"}},
		{"PROXY protocol 2", "\n\n\x00\nQUIT␊\x21\x11\x00\x0csecret", 400, errProxyProtocol, []string{"PROXY protocol"}},
		{"a head that stops", "GET /secret HTTP/1.1\nHost: h\nX: secret", 408, nil, []string{"status=408", "did not come in time"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRefusals(t)
			answer := r.send(t, wire(tt.stream))
			r.mu.Lock()
			defer r.mu.Unlock()
			if answer != string(testProblem(tt.status, tt.fault)) {
				t.Errorf("answer %q", answer)
			}
			if !slices.Equal(r.statuses, []int{tt.status}) {
				t.Errorf("the hook was called with %v", r.statuses)
			}
			log := r.log.String()
			if strings.Count(log, "\n") != 1 || strings.Contains(log, "secret") {
				t.Errorf("log: %s", log)
			}
			for _, want := range tt.logs {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q: %s", want, log)
				}
			}
		})
	}
}

func TestServedRequestsAreNotCountedAsRefused(t *testing.T) {
	r := newRefusals(t)
	for _, stream := range []string{
		"GET / HTTP/1.1\nHost: h\nConnection: close\nCookie: " + strings.Repeat("c", 60<<10) + "\n\n",
		"PROXY / HTTP/1.1\nHost: h\nConnection: close\n\n", // a method that is not known
	} {
		if answer := r.send(t, wire(stream)); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Errorf("%.40q: %q", stream, answer)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.statuses) != 0 || r.log.Len() != 0 {
		t.Errorf("%v, %s", r.statuses, r.log.String())
	}
}
