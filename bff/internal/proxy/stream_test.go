package proxy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// eventUpstream sends one event at once, then another for every value of more,
// and tells when its client is gone.
func eventUpstream(t *testing.T, more <-chan string) (string, <-chan struct{}) {
	gone := make(chan struct{})
	return upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(gone)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(w, "data: first\n\n")
		w.(http.Flusher).Flush()
		for {
			select {
			case s := <-more:
				io.WriteString(w, "data: "+s+"\n\n")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}), gone
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(25 * time.Second):
		t.Fatalf("%s did not happen", what)
	}
}

func readEvent(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	line, err := br.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, _ = br.ReadString('\n')
	return strings.TrimPrefix(strings.TrimSpace(line), "data: ")
}

func openEvents(t *testing.T, g *gate) (*bufio.Reader, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, _ := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/x", nil)
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	return bufio.NewReader(res.Body), cancel
}

// Events pass one by one, outlive the row's timeout, and the upstream hears of
// a client that leaves.
func TestEventStream(t *testing.T) {
	more := make(chan string)
	url, gone := eventUpstream(t, more)
	g := newGate(t, url, func(r *route.Config) { r.Timeout = 30 * time.Millisecond })
	br, leave := openEvents(t, g)
	if s := readEvent(t, br); s != "first" {
		t.Errorf("%q", s)
	}
	timeout := time.NewTimer(60 * time.Millisecond) // let the row's timeout pass: it must not matter
	<-timeout.C
	more <- "second"
	if s := readEvent(t, br); s != "second" {
		t.Errorf("%q", s)
	}
	if g.proxy.Live() != 1 {
		t.Errorf("%d live", g.proxy.Live())
	}
	leave()
	wait(t, "the upstream's end", gone)
}

func TestCloseSessionEndsEventStreams(t *testing.T) {
	url, gone := eventUpstream(t, nil)
	g := newGate(t, url, nil)
	br, _ := openEvents(t, g)
	readEvent(t, br)
	if n := g.proxy.CloseSession("somebody else's", "x"); n != 0 {
		t.Errorf("closed %d streams of another session", n)
	}
	if n := g.proxy.CloseSession(ann.SessionID, "signed out"); n != 1 {
		t.Errorf("closed %d", n)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("the browser sees %v, want a complete answer", err)
	}
	wait(t, "the upstream's end", gone)
	if err := g.proxy.Shutdown(t.Context()); err != nil || g.proxy.Live() != 0 {
		t.Errorf("%v, %d live", err, g.proxy.Live())
	}
}

func TestShutdownEndsEverything(t *testing.T) {
	url, gone := eventUpstream(t, nil)
	g := newGate(t, url, nil)
	br, _ := openEvents(t, g)
	readEvent(t, br)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.proxy.Shutdown(done); !errors.Is(err, context.Canceled) && g.proxy.Live() != 0 {
		t.Errorf("%v", err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	wait(t, "the upstream's end", gone)
}

// A session can be revoked while the upstream takes its time to answer.
func TestStreamOfAnEndedSessionDoesNotBegin(t *testing.T) {
	url, gone := eventUpstream(t, nil)
	g := newGate(t, url, nil, func(o *gateOptions) { o.Alive = func() bool { return false } })
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 401 || g.last.Load().Kind != SessionEnded {
		t.Errorf("status %d", res.StatusCode)
	}
	wait(t, "the upstream's end", gone)
	if g.proxy.Live() != 0 {
		t.Error("still registered")
	}
}

func TestClientGoneCancelsUpstream(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	url := upstreamFunc(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	})
	g := newGate(t, url, nil)
	c, _ := g.dial(t)
	io.WriteString(c, "GET /api/x HTTP/1.1\r\nHost: h\r\n\r\n")
	wait(t, "the request", arrived)
	c.Close()
	wait(t, "the upstream's end", gone)
}

// An answer that breaks off must not look complete.
func TestBrokenAnswerIsBroken(t *testing.T) {
	url := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	})
	g := newGate(t, url, nil)
	res, err := noRedirect.Get(g.URL + "/api/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%q without an error", b)
	}
}

// 32 MiB each way at the same time, with an upstream that answers while it
// reads: nothing lost, and memory stays flat.
func TestBigBodiesBothWays(t *testing.T) {
	const size = 32 << 20
	url := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})
	g := newGate(t, url, func(r *route.Config) { r.MaxBody = route.NoLimit })
	sent, received := sha256.New(), sha256.New()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, _ := http.NewRequest("POST", g.URL+"/api/x", io.TeeReader(io.LimitReader(zeros{}, size), sent))
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(received, res.Body)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || n != size || string(sent.Sum(nil)) != string(received.Sum(nil)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}

// nginx in front buffers what does not say otherwise.
func TestAccelBuffering(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if v := r.URL.Query().Get("say"); v != "" {
			w.Header().Set("X-Accel-Buffering", v)
		}
		w.Header().Set("X-Accel-Redirect", "/etc/passwd")
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
	})
	for _, tt := range []struct{ query, want string }{
		{"type=text/plain", ""}, {"type=text/plain&say=no", "no"}, {"type=text/plain&say=yes", "yes"}, {"type=text/plain&say=EVIL", ""},
		{"type=text/event-stream", "no"}, {"type=Text/Event-Stream%3Bcharset=utf-8&say=yes", "no"},
	} {
		g := newGate(t, upstream, nil)
		res, _ := g.do(t, "GET", "/api/x?"+tt.query, nil)
		if got := res.Header.Get("X-Accel-Buffering"); got != tt.want || res.Header["X-Accel-Redirect"] != nil {
			t.Errorf("%s: X-Accel-Buffering %q, want %q", tt.query, got, tt.want)
		}
	}
}
