package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/listener"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ownCookies = []string{"access_token", "__Host-access_token", "refresh_token", "__Host-refresh_token", "device", "__Host-device"}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mustTable(t testing.TB, rows ...route.Config) *route.Table {
	t.Helper()
	table, err := route.NewTable(rows...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func up(t testing.TB) []*url.URL { return []*url.URL{mustURL(t, "http://up:1")} }

var (
	ann  = &route.Identity{UserID: "7", SessionID: "s7", Email: "ann@example.org", Role: "user"}
	root = &route.Identity{UserID: "1", SessionID: "s1", Email: "root@example.org", Role: "admin"}
)

// gate is a proxy behind a real server, as the web layer would use it.
type gate struct {
	*httptest.Server
	proxy     *Proxy
	upstreams *upstream.Transport
	o         gateOptions
	table     atomic.Pointer[route.Table]
	who       *route.Identity // whom every request comes from
	headers   atomic.Int64    // calls of BeforeHeader
	last      atomic.Pointer[Error]
}

// stallTimeout is that of production.
const stallTimeout = 30 * time.Second

// gateOptions are those of the proxy and of its caller.
type gateOptions struct {
	Options
	upstream upstream.Options
	Alive    func() bool
	ClientIP func() string // nil: the peer's
	OnError  func(http.ResponseWriter, *Error)
}

type gateOption func(*gateOptions)

// caller is a Caller that may lack functions.
type caller struct {
	alive        func() bool
	onError      func(http.ResponseWriter, *Error)
	beforeHeader func(http.Header)
}

func (c *caller) Alive() bool                               { return c.alive == nil || c.alive() }
func (c *caller) StreamEnd() time.Time                      { return time.Time{} }
func (c *caller) OnError(w http.ResponseWriter, err *Error) { c.onError(w, err) }
func (c *caller) BeforeHeader(h http.Header) {
	if c.beforeHeader != nil {
		c.beforeHeader(h)
	}
}

// newGate serves one row for members at /api/x, changed by edit.
func newGate(t *testing.T, urls string, edit func(*route.Config), opts ...gateOption) *gate {
	t.Helper()
	row := route.Config{Path: "/api/x", StripPrefix: "/api/x", Timeout: 5 * time.Second}
	for u := range strings.FieldsSeq(urls) {
		row.Upstreams = append(row.Upstreams, mustURL(t, u))
	}
	if edit != nil {
		edit(&row)
	}
	g := &gate{who: ann}
	g.table.Store(mustTable(t, row))
	o := gateOptions{Options: Options{
		Mint: func(who route.Identity, audience string) (string, error) {
			return "Bearer jwt-" + who.UserID + "-" + audience, nil
		},
		OwnCookies: ownCookies, PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}, Now: time.Now, StallTimeout: stallTimeout,
	}, upstream: upstream.Options{Now: time.Now}}
	o.OnError = func(w http.ResponseWriter, err *Error) {
		g.last.Store(err)
		status := map[Kind]int{
			Unreachable: 502, Timeout: 504, BodyTooLarge: 413, BadBody: 400, BodyStalled: 408, BadUpgrade: 400, MintFailed: 500, SessionEnded: 401, TooManyLive: 429, ClientGone: 499,
		}[err.Kind]
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"detail":%q}`, err.Error())
	}
	for _, opt := range opts {
		opt(&o)
	}
	g.upstreams = upstream.New(o.upstream)
	o.Upstreams = g.upstreams
	g.proxy, g.o = New(o.Options), o
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(g.serve))
	g.Listener = listener.CheckFraming(g.Config, g.Listener, listener.Options{
		Log: slog.New(slog.DiscardHandler),
		Problem: func(status int, fault error) []byte {
			return fmt.Appendf(nil, "HTTP/1.1 %d Refused\r\nConnection: close\r\n\r\n%v", status, fault)
		},
	})
	g.Start()
	t.Cleanup(func() {
		g.Server.CloseClientConnections()
		g.Server.Close()
		g.upstreams.Close()
	})
	return g
}

func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Request-Id", "req-1")
	r.Header["X-Request-Id"] = []string{"req-1"} // as web does it
	path, err := route.RawPath(r)
	if err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	d := g.table.Load().Decide(r.Method, path, g.who)
	if d.Outcome != route.Forward {
		http.Error(w, fmt.Sprint("outcome ", d.Outcome), 400+int(d.Outcome))
		return
	}
	var who route.Identity
	if g.who != nil {
		who = *g.who
	}
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	if g.o.ClientIP != nil {
		ip = g.o.ClientIP()
	}
	g.proxy.Forward(w, r, d, Call{Who: who, ClientIP: ip, Caller: &caller{alive: g.o.Alive, onError: g.o.OnError, beforeHeader: func(h http.Header) {
		g.headers.Add(1)
		h.Add("Set-Cookie", "access_token=new; Path=/")
	}}})
}

// seen is what an upstream received.
type seen struct {
	method, uri, host, body string
	header, trailer         http.Header
}

// recorder is an upstream that keeps the last request and answers 200, or as
// answer likes.
func recorder(t *testing.T, answer http.HandlerFunc) (string, func() seen) {
	t.Helper()
	got := make(chan seen, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case got <- seen{r.Method, r.RequestURI, r.Host, string(body), r.Header.Clone(), r.Trailer.Clone()}:
		default:
		}
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() seen {
		t.Helper()
		select {
		case s := <-got:
			return s
		case <-time.After(25 * time.Second):
			t.Fatal("nothing arrived at the upstream")
			return seen{}
		}
	}
}

// upstreamFunc is an upstream with a handler of its own.
func upstreamFunc(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

// rawUpstream answers every connection with handle, byte by byte.
func rawUpstream(t *testing.T, handle func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c, bufio.NewReader(c))
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// deadUpstream is an address where nobody listens.
func deadUpstream(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func (g *gate) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", g.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c, bufio.NewReader(c)
}

// raw sends bytes as they are (\n becomes CRLF in the head) and reads one answer.
func (g *gate) raw(t *testing.T, head string) *http.Response {
	t.Helper()
	c, br := g.dial(t)
	// Fails when the gate answers and closes before the end of a large body.
	_, _ = io.WriteString(c, strings.ReplaceAll(head, "\n", "\r\n"))
	res, err := http.ReadResponse(br, &http.Request{Method: head[:strings.IndexByte(head, ' ')]})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(body)))
	return res
}

func (g *gate) do(t *testing.T, method, path string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, g.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

var noRedirect = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
