package proxy

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

func TestForwardSendsWhatWasJudged(t *testing.T) {
	url, got := recorder(t, nil)
	g := newGate(t, url, nil)
	for target, want := range map[string]string{
		"/api/x": "/", "/api/x/": "/", "/api/x?": "/?", "/api/x/a?b=c;d=e&f=%zz%": "/a?b=c;d=e&f=%zz%", "/api/x/%2F/a;b=c/%E2%82%AC": "/%2F/a;b=c/%E2%82%AC",
		"/api/x/a|b[0]^`{}\"<>": "/a|b[0]^`{}\"<>", "/api/x/%7C%22": "/%7C%22", "/api/x/a//?//": "", "/api/x/a%2fb?x=/../": "/a%2fb?x=/../", "/api/x/%c3%a9%C3%A9": "/%c3%a9%C3%A9", "/api/x/a+b%20c": "/a+b%20c", "/api/x/a?b#c": "/a?b#c",
	} {
		res := g.raw(t, "GET "+target+" HTTP/1.1\nHost: h\n\n")
		if want == "" {
			if res.StatusCode == 200 {
				t.Errorf("%s was forwarded", target)
			}
			continue
		}
		if res.StatusCode != 200 {
			t.Errorf("%s: status %d", target, res.StatusCode)
			continue
		}
		if s := got(); s.uri != want {
			t.Errorf("%s arrived as %q, want %q", target, s.uri, want)
		}
	}
}

func TestForwardMethodsBodiesAndTrailers(t *testing.T) {
	url, got := recorder(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201) })
	g := newGate(t, url, nil)
	for _, method := range route.Methods {
		res, _ := g.do(t, method, "/api/x", strings.NewReader("hello"))
		if s := got(); s.method != method || s.body != "hello" || res.StatusCode != 201 {
			t.Errorf("%s: %+v, %d", method, s, res.StatusCode)
		}
	}
	res := g.raw(t, "POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTrailer: X-Sum, X-User-Id, Authorization\n\n5\nhello\n0\nX-Sum: 42\nX-User-Id: EVIL\nAuthorization: EVIL\nX-Unannounced: 1\n\n")
	if res.StatusCode != 201 {
		t.Fatal(res.Status)
	}
	s := got()
	if s.body != "hello" || s.trailer.Get("X-Sum") != "42" || len(s.trailer) != 1 {
		t.Errorf("body %q, trailers %v", s.body, s.trailer)
	}
	if g.headers.Load() != 8 {
		t.Errorf("BeforeHeader was called %d times, want once per answer", g.headers.Load())
	}
}

func TestErrors(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	hung := rawUpstream(t, func(net.Conn, *bufio.Reader) { <-hang }) // accepts, never reads
	deaf := rawUpstream(t, func(_ net.Conn, br *bufio.Reader) { _, _ = br.ReadString('\n'); <-hang })
	junk := rawUpstream(t, func(c net.Conn, br *bufio.Reader) { _, _ = br.ReadString('\n'); io.WriteString(c, "SSH-2.0-x\r\n\r\n") })
	shut := rawUpstream(t, func(_ net.Conn, br *bufio.Reader) { _, _ = br.ReadString('\n') })
	odd := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		_, _ = br.ReadString('\n')
		io.WriteString(c, "HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n")
	})
	switched := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		_, _ = br.ReadString('\n')
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
	})
	fast := func(r *route.Config) { r.Timeout = 50 * time.Millisecond }
	small := func(r *route.Config) { r.MaxBody = 5 }
	ok, _ := recorder(t, nil)
	for _, tt := range []struct {
		name, upstream string
		edit           func(*route.Config)
		request        string
		status         int
		kind           Kind
	}{
		{"dead", deadUpstream(t), nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"no such name", "http://gatehouse.invalid:1", nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"hung", hung, fast, "GET /api/x HTTP/1.1\nHost: h\n\n", 504, Timeout},
		{"hung upload", hung, fast, "POST /api/x HTTP/1.1\nHost: h\nContent-Length: 8388608\n\n" + strings.Repeat("x", 8<<20), 504, Timeout},
		{"silent", deaf, fast, "GET /api/x HTTP/1.1\nHost: h\n\n", 504, Timeout},
		{"no HTTP", junk, nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"closes", shut, nil, "POST /api/x HTTP/1.1\nHost: h\nContent-Length: 0\n\n", 502, Unreachable},
		{"impossible status", odd, nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"switches unasked", switched, nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"http to https", strings.Replace(ok, "http:", "https:", 1), nil, "GET /api/x HTTP/1.1\nHost: h\n\n", 502, Unreachable},
		{"body announced too large", ok, small, "POST /api/x HTTP/1.1\nHost: h\nContent-Length: 6\n\n", 413, BodyTooLarge},
		{"body chunked too large", ok, small, "POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n6\nabcdef\n", 413, BodyTooLarge},
		{"body of the largest size", ok, small, "POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nabcde\n0\n\n", 200, 0},
		{"body malformed", ok, nil, "POST /api/x HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\nzz\nabc\n", 400, BadBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGate(t, tt.upstream, tt.edit)
			res := g.raw(t, tt.request)
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.status {
				t.Fatalf("status %d %s, want %d", res.StatusCode, body, tt.status)
			}
			if tt.status == 200 {
				return
			}
			e := g.last.Load()
			if e == nil || e.Kind != tt.kind || e.Route != "/api/x" {
				t.Errorf("error %+v, want kind %v", e, tt.kind)
			}
			if strings.Contains(string(body), "127.0.0.1") || strings.Contains(string(body), "invalid") {
				t.Errorf("the answer names the address: %s", body)
			}
			if g.headers.Load() != 1 || len(res.Header["Set-Cookie"]) != 1 {
				t.Errorf("BeforeHeader was called %d times, cookies %v", g.headers.Load(), res.Header["Set-Cookie"])
			}
			if closes := tt.kind == BodyTooLarge || tt.kind == BadBody; closes && !res.Close {
				t.Error("the connection stays open with the rest of a body in it")
			}
		})
	}
}

func TestMintFailureIsNotForwarded(t *testing.T) {
	called := false
	url := upstreamFunc(t, func(http.ResponseWriter, *http.Request) { called = true })
	g := newGate(t, url, nil, func(o *gateOptions) {
		o.Mint = func(route.Identity, string) (string, error) { return "", errors.New("no key") }
	})
	res, _ := g.do(t, "GET", "/api/x", nil)
	if res.StatusCode != 500 || called || g.last.Load().Kind != MintFailed {
		t.Errorf("status %d, forwarded %v", res.StatusCode, called)
	}
}

// What the upstream says of the body arrives before the body is asked for.
func TestExpectContinue(t *testing.T) {
	url := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(417)
			return
		}
		b, _ := io.ReadAll(r.Body) // sends the 100
		fmt.Fprintf(w, "got %s", b)
	})
	g := newGate(t, url, nil)

	c, br := g.dial(t)
	io.WriteString(c, "POST /api/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	line, _ := br.ReadString('\n')
	rest, _ := br.ReadString('\n')
	if line != "HTTP/1.1 100 Continue\r\n" || rest != "\r\n" {
		t.Fatalf("%q %q", line, rest)
	}
	io.WriteString(c, "hi")
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(res.Body); string(b) != "got hi" {
		t.Errorf("%q", b)
	}

	c, br = g.dial(t)
	io.WriteString(c, "POST /api/x/refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if line, _ := br.ReadString('\n'); line != "HTTP/1.1 417 Expectation Failed\r\n" {
		t.Errorf("%q", line)
	}
}

// An upstream that answers before it has read the body is heard at once, and
// what comes after the body is not taken for a request.
func TestAnswerBeforeTheEndOfTheBody(t *testing.T) {
	url := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(409)
	})
	g := newGate(t, url, nil)
	g.proxy.leftoverTime = 50 * time.Millisecond
	c, br := g.dial(t)
	io.WriteString(c, "POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nfirst bytes")
	res, err := http.ReadResponse(br, nil)
	if err != nil || res.StatusCode != 409 || !res.Close {
		t.Fatal(res, err)
	}
	_, _ = io.WriteString(c, strings.Repeat("x", 89)+"GET /api/x/smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
	if _, err := br.ReadByte(); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection goes on: %v", err)
	}
}

// A client that never sends the rest held its connection for good.
func TestRestOfABodyThatNeverComesIsGivenUp(t *testing.T) {
	url := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(409)
	})
	g := newGate(t, url, nil)
	for _, head := range []string{"Content-Length: 100\r\n\r\nfirst bytes", "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"} {
		c, br := g.dial(t)
		io.WriteString(c, "POST /api/x HTTP/1.1\r\nHost: h\r\n"+head)
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(br); err != nil && !errors.Is(err, syscall.ECONNRESET) || !strings.Contains(string(text), "409") {
			t.Errorf("%q: %q, %v", head, text, err)
		}
	}
}

func TestConnectionIsKeptAfterABody(t *testing.T) {
	url, got := recorder(t, nil)
	g := newGate(t, url, nil)
	c, br := g.dial(t)
	for _, request := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "Content-Length: 5\r\n\r\nhello"} {
		io.WriteString(c, "POST /api/x HTTP/1.1\r\nHost: h\r\n"+request)
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.Close || got().body != "hello" {
			t.Fatal(res, err)
		}
	}
}

func TestTLSUpstream(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c, err := websocket.Accept(w, r, nil)
			if err == nil {
				c.Close(websocket.StatusNormalClosure, r.Proto)
			}
			return
		}
		w.Header().Set("Trailer", "X-Sum, Set-Cookie")
		fmt.Fprint(w, r.Proto, " ", r.RequestURI)
		w.Header().Set("X-Sum", "42")
		w.Header().Set("Set-Cookie", "access_token=EVIL")
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	g := newGate(t, srv.URL, nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 502 || g.last.Load().Kind != Unreachable {
		t.Errorf("an unknown certificate: %d", res.StatusCode)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	g = newGate(t, srv.URL, nil, func(o *gateOptions) { o.upstream.RootCAs = roots })
	res := g.raw(t, "GET /api/x/a%2Fb|c;d?e;f HTTP/1.1\nHost: h\n\n")
	b, _ := io.ReadAll(res.Body)
	body := string(b)
	if res.StatusCode != 200 || body != "HTTP/2.0 /a%2Fb|c;d?e;f" || res.Trailer.Get("X-Sum") != "42" || res.Trailer["Set-Cookie"] != nil {
		t.Errorf("%d %q %v", res.StatusCode, body, res.Trailer)
	}
	c, _, err := websocket.Dial(t.Context(), g.URL+"/api/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	var ce websocket.CloseError
	if _, _, err := c.Read(t.Context()); !errors.As(err, &ce) || ce.Reason != "HTTP/1.1" {
		t.Errorf("WebSocket beside HTTP/2: %v", err)
	}
}

// Forward is the last line: it forwards nobody where somebody is needed, even
// when its caller has mixed things up.
func TestForwardInsistsOnItsDecision(t *testing.T) {
	url, _ := recorder(t, func(http.ResponseWriter, *http.Request) { t.Error("forwarded") })
	g := newGate(t, url, func(r *route.Config) { r.Roles = []string{"admin"} })
	table := g.table.Load()
	for name, tt := range map[string]struct {
		d   route.Decision
		who route.Identity
	}{
		"nothing decided":  {route.Decision{}, *root},
		"not found":        {table.Decide("GET", "/api/y", root), *root},
		"wrong method":     {table.Decide("TRACE", "/api/x", root), *root},
		"decided for root": {table.Decide("GET", "/api/x", root), *ann},
		"nobody":           {table.Decide("GET", "/api/x", root), route.Identity{}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			g.proxy.Forward(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/x", nil), tt.d, Call{Who: tt.who})
		})
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A slow client is not a slow upstream: the row's clock stands still while a
// body is waited for, and for good when the header is here. The client's own
// goes on: it must send something.
func TestTimeoutDoesNotCountTheClient(t *testing.T) {
	const timeout = 30 * time.Second
	for _, tt := range []struct {
		name         string
		client, then time.Duration
		header       string
		want         error
	}{
		{"slow client", stallTimeout - 1, timeout - 1, "never", nil},
		{"client that stopped", stallTimeout + 1, 0, "never", errBodyStalled},
		{"client that stopped, answered already", stallTimeout + 1, 0, "before the body", errBodyStalled},
		{"slow upstream", stallTimeout - 1, timeout + 1, "never", errHeaderTimeout},
		{"stream", stallTimeout - 1, time.Hour, "after the body", nil},
		{"stream both ways", stallTimeout - 1, time.Hour, "before the body", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ex := &exchange{w: responseWriter{ResponseWriter: httptest.NewRecorder()}, proxy: &Proxy{stallTimeout: stallTimeout}, Request: upstream.Request{Route: &route.Route{Config: route.Config{Timeout: timeout}}}}
				ex.body = &requestBody{ex: ex, left: route.NoLimit, in: &http.Request{ContentLength: -1}, src: readFunc(func(p []byte) (int, error) { time.Sleep(tt.client); return 1, nil })}
				ex.startClock()
				if tt.header == "before the body" && !ex.stopClock() {
					t.Error("too late at once")
				}
				for range 3 {
					if _, err := ex.body.Read(make([]byte, 1)); err != nil {
						t.Fatal(err)
					}
				}
				if tt.header == "after the body" && !ex.stopClock() {
					t.Error("too late at once")
				}
				time.Sleep(tt.then)
				synctest.Wait()
				if cause := ex.Cause(); cause != tt.want {
					t.Errorf("cancelled by %v, want %v", cause, tt.want)
				}
			})
		})
	}
}
