package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// siteNames are headers that an upstream may not send, in the final header, in
// Early Hints and as trailers.
var siteNames = []string{
	"Server", "Via", "X-Powered-By", "X-AspNet-Version", "Proxy-Status", "Strict-Transport-Security", "Clear-Site-Data", "Alt-Svc", "Refresh", "Service-Worker-Allowed",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Anything-New", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy-Report-Only", "Permissions-Policy", "Referrer-Policy", "X-Frame-Options",
	"X-Accel-Redirect", "X-Accel-Expires", "X-Sendfile", "X-Lighttpd-Send-File", "X-LiteSpeed-Location", "X-LiteSpeed-Cache-Control", "X-Reproxy-URL", "Surrogate-Control", "Surrogate-Key",
	"NEL", "Report-To", "Reporting-Endpoints", "Origin-Trial", "Set-Cookie2", "Timing-Allow-Origin", "Use-As-Dictionary", "Accept-CH", "Accept-CH-Lifetime", "Critical-CH",
	"Origin-Agent-Cluster", "Speculation-Rules", "Set-Login", "IdP-SignIn-Status", "Activate-Storage-Access", "Supports-Loading-Mode", "Document-Policy", "Document-Policy-Report-Only",
	"Require-Document-Policy", "Document-Isolation-Policy", "Integrity-Policy", "Integrity-Policy-Report-Only", "Feature-Policy", "Expect-CT", "Public-Key-Pins", "Public-Key-Pins-Report-Only",
	"Shared-Storage-Write", "Observe-Browsing-Topics", "Attribution-Reporting-Register-Source", "Ad-Auction-Signals", "X-Allow-FLEDGE", "Sec-Private-State-Token", "Secure-Session-Registration",
	"Sec-Session-Registration", "X-Content-Security-Policy", "X-WebKit-CSP", "X-UA-Compatible", "P3P", "X-XSS-Protection", "X-DNS-Prefetch-Control", "Connection-Allowlist",
}

func TestSiteHeadersAreOursAlone(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range siteNames {
			w.Header()[textproto.CanonicalMIMEHeaderKey(name)] = []string{"EVIL"}
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "EVIL")
		h.Set("X-Request-Id", "EVIL")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "EVIL")
		h.Set("WWW-Authenticate", `Bearer realm="x", Basic realm="EVIL"`)
		h.Set("Etag", `"1"`)
		h.Set("Vary", "Accept")
		h.Set("Content-Type", "application/json")
		h.Set("X-Total-Count", "3")
		h.Add("Link", "</a>; rel=next")
		h.Add("Link", "</b>; rel=prev")
		w.WriteHeader(418)
		io.WriteString(w, "body")
	})
	g := newGate(t, upstream, nil)
	res, body := g.do(t, "GET", "/api/x", nil)
	if res.StatusCode != 418 || body != "body" {
		t.Errorf("status %d, body %q", res.StatusCode, body)
	}
	for name, values := range res.Header {
		if strings.Contains(strings.Join(values, ","), "EVIL") {
			t.Errorf("%s: %q came through", name, values)
		}
	}
	for name, want := range map[string][]string{
		"X-Content-Type-Options": {"nosniff"}, "X-Request-Id": {"req-1"}, "Etag": {`"1"`}, "Vary": {"Accept, Cookie"}, "Content-Type": {"application/json"},
		"X-Total-Count": {"3"}, "Link": {"</api/x/a>; rel=next", "</api/x/b>; rel=prev"}, "Cache-Control": {"private, no-cache"}, "Set-Cookie": {"access_token=new; Path=/"},
	} {
		if !slices.Equal(res.Header[name], want) {
			t.Errorf("%s: %q, want %q", name, res.Header[name], want)
		}
	}
}

// Early Hints and trailers are headers too: a browser that merges either would
// obey them.
func TestSiteHeadersOfHintsAndTrailersAreOursAlone(t *testing.T) {
	for names := range slices.Chunk(siteNames, 20) { // net/http takes 4 KiB of trailers
		lines := strings.Join(names, ": EVIL\r\n") + ": EVIL\r\n"
		upstream := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n"+lines+"\r\n"+
				"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, "+strings.Join(names[:10], ", ")+"\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n"+lines+"\r\n")
		})
		for _, access := range []route.Access{route.Member, route.Public} {
			g := newGate(t, upstream, func(r *route.Config) { r.Access = access })
			hints := http.Header{}
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				hints = http.Header(h)
				return nil
			}})
			r, _ := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/x", nil)
			res, err := noRedirect.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || string(body) != "hi" || res.Trailer.Get("X-Sum") != "42" || len(res.Trailer) != 1 || len(hints) != 1 {
				t.Errorf("%q %v, hints %v, trailers %v", body, err, hints, res.Trailer)
			}
		}
	}
}

// What is about one answer alone stays the upstream's.
func TestHeadersOfOneAnswerPass(t *testing.T) {
	names := []string{"Sourcemap", "No-Vary-Search", "Server-Timing", "Deprecation", "Sunset", "X-Robots-Tag", "Accept-Patch", "Accept-Ranges", "Repr-Digest", "Signature", "Cache-Status", "X-Ratelimit-Limit", "Ratelimit", "Retry-After"}
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range names {
			w.Header().Set(name, "kept")
		}
	})
	g := newGate(t, upstream, nil)
	res, _ := g.do(t, "GET", "/api/x", nil)
	for _, name := range names {
		if res.Header.Get(name) != "kept" {
			t.Errorf("%s is lost", name)
		}
	}
}

func TestUpstream401IsPassedOn(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(401)
	})
	g := newGate(t, upstream, nil)
	res, _ := g.do(t, "GET", "/api/x", nil)
	if res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` || g.last.Load() != nil {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestContentTypeIsNotGuessed(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html><script>alert(1)</script>")
	})
	g := newGate(t, upstream, nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.Header["Content-Type"] != nil {
		t.Errorf("Content-Type: %q", res.Header["Content-Type"])
	}
}

// hostileCookies in each of the three places where a browser takes cookies.
func TestUpstreamCookies(t *testing.T) {
	set := []string{
		"access_token=EVIL", "refresh_token=EVIL; Path=/", " access_token = EVIL", "__Host-access_token=EVIL; Secure; Path=/", "device=EVIL", "\"device\"=EVIL",
		"=access_token=EVIL", "access_token", "; access_token=EVIL", "theme=dark; Path=/", "my_device=1",
		"Access_Token=EVIL", "DEVICE=EVIL", "__HOST-access_token=EVIL; Secure; Path=/", "__Secure-refresh_token=EVIL; Secure", "__Host-Http-device=EVIL; Secure; Path=/",
		"__Http-device=EVIL; Secure", "__Secure-__host-Device=EVIL; Secure", "\"__Secure-access_token\"=EVIL",
	}
	passes := []string{"theme=dark; Path=/api/x", "my_device=1"}
	upstream := rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		cookies := "Set-Cookie: " + strings.Join(set, "\r\nSet-Cookie: ") + "\r\n"
		io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nServer: EVIL\r\nClear-Site-Data: EVIL\r\n"+cookies+
			"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\nUpgrade: h2c\r\n\r\n"+
			"HTTP/1.1 102 Processing\r\nX: EVIL\r\n\r\n"+
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie, Clear-Site-Data\r\n"+cookies+"\r\n"+
			"2\r\nhi\r\n0\r\nX-Sum: 42\r\nX-Late: 43\r\nClear-Site-Data: EVIL\r\nCache-Control: EVIL\r\n"+cookies+"\r\n")
	})
	for _, forward := range []bool{false, true} {
		g := newGate(t, upstream, func(r *route.Config) { r.ForwardCookies = forward })
		hints := []http.Header{}
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, http.Header(h))
			return nil
		}})
		r, _ := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/x", nil)
		res, err := noRedirect.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "hi" {
			t.Fatalf("%q %v", body, err)
		}
		var hinted, final []string
		if forward {
			hinted, final = passes, passes
		}
		final = append(slices.Clip(final), "access_token=new; Path=/")
		if len(hints) != 1 || hints[0].Get("Link") == "" || !slices.Equal(hints[0]["Set-Cookie"], hinted) || hints[0]["X-Request-Id"] != nil ||
			hints[0]["Connection"] != nil || hints[0]["X-Hop"] != nil || hints[0]["Keep-Alive"] != nil || hints[0]["Upgrade"] != nil {
			t.Errorf("forward %v: 103 with %v", forward, hints)
		}
		got := slices.Sorted(slices.Values(res.Header["Set-Cookie"]))
		if !slices.Equal(got, slices.Sorted(slices.Values(final))) {
			t.Errorf("forward %v: %q, want %q", forward, got, final)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error("the 103 took our security headers along")
		}
		for name, values := range res.Trailer {
			if name != "X-Sum" && name != "X-Late" {
				t.Errorf("forward %v: trailer %s: %q", forward, name, values)
			}
		}
		if res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "43" {
			t.Errorf("trailers: %v", res.Trailer)
		}
		if g.headers.Load() != 1 {
			t.Errorf("BeforeHeader was called %d times", g.headers.Load())
		}
	}
}

// A writer as Echo's: the first WriteHeader is the last.
type onceWriter struct {
	http.ResponseWriter
	committed bool
}

func (w *onceWriter) WriteHeader(code int) {
	if !w.committed {
		w.committed = true
		w.ResponseWriter.WriteHeader(code)
	}
}
func (w *onceWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestEarlyHintsGoAroundWritersThatCommit(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.WriteHeader(202)
	})
	g := newGate(t, upstream, nil)
	serve := g.Server.Config.Handler
	g.Server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve.ServeHTTP(&onceWriter{ResponseWriter: w}, r)
	})
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 202 {
		t.Errorf("status %d", res.StatusCode)
	}
	if res := g.raw(t, "GET /api/x HTTP/1.0\nHost: h\n\n"); res.StatusCode != 202 {
		t.Errorf("HTTP/1.0 client was sent a %d", res.StatusCode)
	}
}

// A redirect is the browser's to follow: we would follow it with an identity.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := upstreamFunc(t, func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	upstream := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other+"/a", 307) })
	g := newGate(t, upstream, nil)
	if res, _ := g.do(t, "POST", "/api/x", strings.NewReader("x")); res.StatusCode != 307 || res.Header.Get("Location") != other+"/a" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
