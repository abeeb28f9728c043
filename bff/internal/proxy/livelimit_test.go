package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// heldSlots is how many live connections are counted, and for how many keys.
func (g *gate) heldSlots() (count, keys int) {
	s := &g.proxy.live
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.held {
		count += n
	}
	return count, len(s.held)
}

func (g *gate) waitForHeld(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		if n, keys := g.heldSlots(); n == want && (want > 0 || keys == 0) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%d live connections of %d clients are counted, want %d", n, keys, want)
		}
		time.Sleep(time.Millisecond) // a condition of the handlers' goroutines
	}
}

// liveUpstream answers handshakes and event streams, and counts its requests.
// What it is asked for without Accept: text/event-stream is one all the same.
func liveUpstream(t *testing.T, requests *atomic.Int64) string {
	return upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Upgrade") != "" {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
			if err == nil {
				_, _, _ = c.Read(r.Context())
				_ = c.CloseNow()
			}
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": open\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

// openLive opens a live connection and gives its status, and what closes it.
func openLive(t *testing.T, g *gate, header string) (status int, hangUp func()) {
	t.Helper()
	c, br := g.dial(t)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(c, strings.ReplaceAll("GET /api/x HTTP/1.1\nHost: h\n"+header+"\n\n", "\n", "\r\n"))
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, func() { c.Close() }
}

const (
	socketWanted = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	eventsWant   = "Accept: text/html, Text/Event-Stream;q=0.9"
)

func TestLiveConnectionsOfASessionAreBounded(t *testing.T) {
	var requests atomic.Int64
	g := newGate(t, liveUpstream(t, &requests), func(r *route.Config) { r.Access = route.Optional })
	g.waitForHeld(t, 0)
	var hangUps []func()
	for i := range MaxLive {
		header, want := socketWanted, 101
		if i%2 == 1 {
			header, want = eventsWant, 200
		}
		if i%10 == 3 {
			header = "Accept: */*"
		}
		status, hangUp := openLive(t, g, header)
		if status != want {
			t.Fatalf("connection %d: %d", i+1, status)
		}
		hangUps = append(hangUps, hangUp)
	}
	g.waitForHeld(t, MaxLive)
	for _, header := range []string{socketWanted, eventsWant, socketWanted} {
		if status, _ := openLive(t, g, header); status != 429 || g.last.Load().Kind != TooManyLive {
			t.Errorf("one more with %q: %d, %v", header, status, g.last.Load())
		}
	}
	if n := requests.Load(); n != MaxLive {
		t.Errorf("%d requests arrived, want %d: what is refused is not sent", n, MaxLive)
	}
	// An event stream that the client has not asked for is seen when it comes.
	if status, _ := openLive(t, g, "Accept: */*"); status != 429 || requests.Load() != MaxLive+1 {
		t.Errorf("an event stream unasked for: %d", status)
	}
	// Others are not affected: another session, and who has none.
	for _, who := range []*route.Identity{root, nil} {
		g.who = who
		if status, _ := openLive(t, g, socketWanted); status != 101 {
			t.Errorf("%v: %d", who, status)
		}
	}
	g.who = ann
	g.waitForHeld(t, MaxLive+2)
	hangUps[0]() // a WebSocket's
	hangUps[1]() // an event stream's
	g.waitForHeld(t, MaxLive)
	for _, header := range []string{eventsWant, socketWanted} {
		if status, _ := openLive(t, g, header); status == 429 {
			t.Errorf("after two have ended: %d", status)
		}
	}
	g.proxy.CloseSession(ann.SessionID, "sign_out")
	g.proxy.CloseSession(root.SessionID, "sign_out")
	g.CloseClientConnections()
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.waitForHeld(t, 0)
}

// Without a session the network counts.
func TestLiveConnectionsOfANetworkAreBounded(t *testing.T) {
	var requests atomic.Int64
	var ip atomic.Value
	ip.Store("192.0.2.1")
	g := newGate(t, liveUpstream(t, &requests), func(r *route.Config) { r.Access = route.Public }, func(o *gateOptions) {
		o.ClientIP = func() string { return ip.Load().(string) }
	})
	fill := func(key string) {
		for range MaxLive {
			g.proxy.live.takeSlot(key)
		}
	}
	fill("network 192.0.2.1")
	fill("network 2001:db8::/64")
	for address, want := range map[string]int{
		"192.0.2.1": 429, "::ffff:192.0.2.1": 429, "192.0.2.2": 101, "2001:db8::5": 429, "2001:db8::ffff:0:1": 429, "2001:db8:0:1::5": 101, "@": 101,
	} {
		ip.Store(address)
		if status, _ := openLive(t, g, socketWanted); status != want {
			t.Errorf("%s: %d, want %d", address, status, want)
		}
	}
}

// A live connection that does not come about is not counted, however it fails.
func TestFailedLiveConnectionsAreNotCounted(t *testing.T) {
	refuses := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/403":
			w.WriteHeader(403)
		case "/200":
			_, _ = io.WriteString(w, "no stream")
		case "/events-end":
			w.Header().Set("Content-Type", "text/event-stream")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/break":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ": open\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/hang":
			<-r.Context().Done()
		}
	})
	wrong := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		}
	})
	dead := deadUpstream(t)
	ended := func(o *gateOptions) { o.Alive = func() bool { return false } }
	unsigned := func(o *gateOptions) {
		o.Mint = func(route.Identity, string) (string, error) { return "", io.ErrUnexpectedEOF }
	}
	broken := func(o *gateOptions) {
		o.OnError = func(http.ResponseWriter, *Error) { panic(http.ErrAbortHandler) }
	}
	accepts := echoUpstream(t, nil)
	for name, tt := range map[string]struct {
		upstream, path, header string
		options                []gateOption
		leave                  bool // before there is an answer
	}{
		"handshake refused":             {refuses, "/403", socketWanted, nil, false},
		"handshake answered":            {refuses, "/200", socketWanted, nil, false},
		"upstream hangs up":             {refuses, "/abort", socketWanted, nil, false},
		"another protocol":              {wrong, "/", socketWanted, nil, false},
		"upstream is away":              {dead, "/", socketWanted, nil, false},
		"session ended":                 {accepts, "/", socketWanted, []gateOption{ended}, false},
		"no identity":                   {accepts, "/", socketWanted, []gateOption{unsigned}, false},
		"the answer panics":             {dead, "/", socketWanted, []gateOption{broken}, false},
		"not a WebSocket":               {accepts, "/", "Connection: Upgrade\nUpgrade: h2c", nil, false},
		"client leaves":                 {refuses, "/hang", socketWanted, nil, true},
		"events refused":                {refuses, "/403", eventsWant, nil, false},
		"no events":                     {refuses, "/200", eventsWant, nil, false},
		"events end":                    {refuses, "/events-end", eventsWant, nil, false},
		"events break off":              {refuses, "/break", eventsWant, nil, false},
		"unasked events end":            {refuses, "/events-end", "Accept: */*", nil, false},
		"events of a session that ends": {refuses, "/events-end", "Accept: */*", []gateOption{ended}, false},
		"client leaves before events":   {refuses, "/hang", eventsWant, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t, tt.upstream, nil, tt.options...)
			for range 5 {
				c, br := g.dial(t)
				_, _ = io.WriteString(c, strings.ReplaceAll("GET /api/x"+tt.path+" HTTP/1.1\nHost: h\n"+tt.header+"\n\n", "\n", "\r\n"))
				if tt.leave {
					g.waitForHeld(t, 1)
				} else if res, err := http.ReadResponse(br, nil); err == nil && res.StatusCode == 101 {
					t.Fatal("it came about")
				}
				c.Close()
				g.waitForHeld(t, 0)
			}
		})
	}
}

// A hundred handshakes that fail leave space for the hundred that do not.
func TestHundredFailedUpgradesLeaveNothing(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	g := newGate(t, upstream, nil)
	for i := range MaxLive + 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, res, err := websocket.Dial(ctx, g.URL+"/api/x", nil)
		cancel()
		if err == nil || res == nil || res.StatusCode != 403 {
			t.Fatalf("handshake %d: %v %v", i, res, err)
		}
	}
	g.waitForHeld(t, 0)
}
