package attack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// hostile is one answer of an upstream that is broken or was taken over.
type hostile struct {
	name    string
	target  string // /api/x/a when empty
	answer  string
	status  int
	code    string
	body    string
	header  http.Header // exactly these values; nil: the header is not there
	broken  bool        // the answer must not look complete
	surplus bool        // there is more than the answer: nothing may follow on this connection
	answers func(conn net.Conn, r *http.Request) bool
}

const ok = "Content-Type: text/plain\nContent-Length: 2\n\nok"

// status is a head, and what comes after an empty string is the body.
func status(line string, headers ...string) string {
	text := strings.Join(append([]string{"HTTP/1.1 " + line}, headers...), "\n")
	if i := slices.Index(headers, ""); i < 0 || i == len(headers)-1 {
		text += "\n"
	}
	return text
}

func value(values ...string) []string { return values }

// Nothing that an upstream sends speaks for the site to a browser, changes its
// session, or leaves the browser with half an answer that looks whole.
func TestAttackHostileAnswers(t *testing.T) {
	b := besiege(t)
	own := b.upstream.url
	public := b.Env["PUBLIC_URL"]
	gone := func(names ...string) http.Header {
		h := http.Header{}
		for _, n := range names {
			h[http.CanonicalHeaderKey(n)] = nil
		}
		return h
	}
	csp := value("default-src 'none'; frame-ancestors 'none'; sandbox")
	rows := []hostile{
		{name: "our cookies", answer: status("200 OK", "Set-Cookie: access_token=EVIL; Path=/", "Set-Cookie: refresh_token=EVIL", "Set-Cookie: __Host-access_token=EVIL; Secure; Path=/") + ok, status: 200, header: gone("Set-Cookie")},
		{name: "any cookie, in a row that forwards none", answer: status("200 OK", "Set-Cookie: theme=EVIL") + ok, status: 200, header: gone("Set-Cookie")},
		{
			name: "our cookies in a row that forwards cookies", target: "/api/jar/a", status: 200, header: http.Header{"Set-Cookie": value("theme=dark")},
			answer: status("200 OK", "Set-Cookie: access_token=EVIL", "set-cookie:  refresh_token =EVIL", "SET-COOKIE: \"device\"=EVIL", "Set-Cookie: theme=dark", "Set-Cookie: =access_token=EVIL", "Set-Cookie: access_token", "Set-Cookie2: a=EVIL") + ok,
		},
		{
			name: "our cookies in a 103", target: "/api/jar/a", status: 200, header: gone("Set-Cookie"),
			answer: status("103 Early Hints", "Link: </a>; rel=preload", "Set-Cookie: access_token=EVIL", "Server: EVIL", "Content-Security-Policy: EVIL", "Refresh: 0;url=//EVIL", "") + status("200 OK") + ok,
		},
		{name: "our cookies in a 100", target: "/api/jar/a", answer: status("100 Continue", "Set-Cookie: refresh_token=EVIL", "") + status("200 OK") + ok, status: 200, header: gone("Set-Cookie")},
		{name: "our cookies in a 102", target: "/api/jar/a", answer: status("102 Processing", "Set-Cookie: refresh_token=EVIL", "") + status("200 OK") + ok, status: 200, header: gone("Set-Cookie")},
		{
			name: "our cookies in announced trailers", target: "/api/jar/a", status: 200, body: "hello", header: gone("Set-Cookie"),
			answer: status("200 OK", "Transfer-Encoding: chunked", "Trailer: Set-Cookie, Server, X-Sum", "", "5\nhello\n0\nSet-Cookie: access_token=EVIL\nServer: EVIL\nX-Sum: 42\n\n"),
		},
		{
			name: "our cookies in trailers nobody announced", target: "/api/jar/a", status: 200, body: "hello", header: gone("Set-Cookie"),
			answer: status("200 OK", "Transfer-Encoding: chunked", "", "5\nhello\n0\nSet-Cookie: access_token=EVIL\nClear-Site-Data: \"EVIL\"\nAccess-Control-Allow-Origin: EVIL\n\n"),
		},
		{name: "a bare CR before Set-Cookie", answer: status("200 OK", "X-A: b␍Set-Cookie: access_token=EVIL") + ok, status: 502, code: "upstream_unreachable"},
		{name: "a folded Set-Cookie", answer: status("200 OK", "X-A: b", " Set-Cookie: access_token=evil") + ok, status: 200, header: gone("Set-Cookie")},
		{name: "sign everybody out", answer: status("200 OK", `Clear-Site-Data: "EVIL", "cookies"`) + ok, status: 200, header: gone("Clear-Site-Data")},
		{name: "HSTS for all subdomains", answer: status("200 OK", "Strict-Transport-Security: max-age=0; EVIL") + ok, status: 200, header: gone("Strict-Transport-Security")},
		{name: "a policy of its own", answer: status("200 OK", "Content-Security-Policy: EVIL", "content-security-policy: EVIL", "Content-Security-Policy-Report-Only: EVIL") + ok, status: 200, header: http.Header{"Content-Security-Policy": csp, "Content-Security-Policy-Report-Only": nil}},
		{
			name: "other policies", answer: status("200 OK", "X-Content-Type-Options: EVIL", "Referrer-Policy: unsafe-url, EVIL", "X-Frame-Options: EVIL", "Permissions-Policy: EVIL", "Cross-Origin-Opener-Policy: EVIL", "Cross-Origin-Resource-Policy: EVIL", "Cross-Origin-Embedder-Policy: EVIL", "Origin-Agent-Cluster: EVIL", "Timing-Allow-Origin: EVIL") + ok,
			status: 200, header: http.Header{"X-Content-Type-Options": value("nosniff"), "Referrer-Policy": value("no-referrer"), "X-Frame-Options": value("DENY"), "Cross-Origin-Opener-Policy": value("same-origin"), "Cross-Origin-Resource-Policy": value("same-origin"), "Cross-Origin-Embedder-Policy": nil, "Timing-Allow-Origin": nil},
		},
		{
			name: "CORS", answer: status("200 OK", "Access-Control-Allow-Origin: EVIL", "Access-Control-Allow-Credentials: EVIL", "Access-Control-Expose-Headers: EVIL", "access-control-allow-private-network: EVIL") + ok,
			status: 200, header: gone("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Access-Control-Allow-Private-Network"),
		},
		{name: "go elsewhere", answer: status("200 OK", "Refresh: 0; url=https://EVIL.example") + ok, status: 200, header: gone("Refresh")},
		{name: "another server", answer: status("200 OK", `Alt-Svc: h2="EVIL:443"`, "Alt-Svc: EVIL") + ok, status: 200, header: gone("Alt-Svc")},
		{name: "a worker for every page", answer: status("200 OK", "Service-Worker-Allowed: /EVIL") + ok, status: 200, header: gone("Service-Worker-Allowed")},
		{name: "what it runs on", answer: status("200 OK", "Server: EVIL", "X-Powered-By: EVIL", "Via: EVIL", "X-AspNet-Version: EVIL", "X-Generator: EVIL") + ok, status: 200, header: gone("Server", "X-Powered-By", "Via")},
		{name: "orders to a web server before us", answer: status("200 OK", "X-Accel-Redirect: /EVIL", "X-Accel-Buffering: EVIL", "X-Sendfile: EVIL", "X-LIGHTTPD-send-file: EVIL", "Surrogate-Control: EVIL") + ok, status: 200, header: gone("X-Accel-Redirect", "X-Sendfile", "X-Accel-Buffering")},
		{name: "reports about us", answer: status("200 OK", "NEL: EVIL", "Report-To: EVIL", "Reporting-Endpoints: EVIL", "Expect-CT: EVIL", "Public-Key-Pins: EVIL") + ok, status: 200, header: gone("Nel", "Report-To")},
		{name: "a password dialog", answer: status("401 Unauthorized", `WWW-Authenticate: Basic realm="EVIL"`) + ok, status: 401, header: gone("WWW-Authenticate")},
		{name: "hop-by-hop", answer: status("200 OK", "Connection: keep-alive, X-Foo", "X-Foo: EVIL", "Keep-Alive: EVIL", "Proxy-Authenticate: EVIL", "Proxy-Connection: EVIL", "TE: EVIL") + ok, status: 200, header: gone("X-Foo", "Keep-Alive", "Proxy-Authenticate")},
		{name: "our request id is ours", answer: status("200 OK", "X-Request-Id: EVIL") + ok, status: 200},
		{name: "a shared cache may keep it", answer: status("200 OK", "Cache-Control: public, s-maxage=99, max-age=60", "CDN-Cache-Control: public") + ok, status: 200, header: http.Header{"Cache-Control": value("private, max-age=60"), "Cdn-Cache-Control": nil}},
		{name: "a script for a member's path", target: "/api/x/me.css", answer: status("200 OK") + ok, status: 200, header: http.Header{"Cache-Control": value("private, no-cache")}},
		{name: "no type", answer: status("200 OK", "Content-Length: 6", "", "<html>"), status: 200, body: "<html>", header: gone("Content-Type")},

		{name: "its 401 is passed on and signs nobody out", answer: status("401 Unauthorized", "WWW-Authenticate: Bearer") + ok, status: 401, body: "ok", header: http.Header{"Set-Cookie": nil, "Www-Authenticate": value("Bearer")}},
		{name: "its 403", answer: status("403 Forbidden") + ok, status: 403, body: "ok"},
		{name: "its 500", answer: status("500 Internal Server Error", "X-Trace: a") + ok, status: 500, body: "ok", header: http.Header{"X-Trace": value("a")}},
		{name: "a redirect is not followed", answer: status("302 Found", "Location: https://elsewhere.example/a?b#c") + ok, status: 302, body: "ok", header: http.Header{"Location": value("https://elsewhere.example/a?b#c")}},
		{name: "to its own origin", answer: status("302 Found", "Location: "+own+"/b/c?d#e") + ok, status: 302, header: http.Header{"Location": value("/api/x/b/c?d#e")}},
		{name: "to its own origin, in capitals", answer: status("302 Found", "Location: "+strings.Replace(own, "http", "HTTP", 1)+"/b") + ok, status: 302, header: http.Header{"Location": value("/api/x/b")}},
		{name: "to its own origin, without a path", answer: status("307 Temporary Redirect", "Location: "+own) + ok, status: 307, header: http.Header{"Location": value("/api/x/")}},
		{name: "to its own origin, without a scheme", answer: status("302 Found", "Location: "+strings.TrimPrefix(own, "http:")+"/b") + ok, status: 302, header: http.Header{"Location": value("/api/x/b")}},
		{name: "to its own origin, then elsewhere", answer: status("302 Found", "Location: "+own+"//evil.example/") + ok, status: 302, header: http.Header{"Location": value("/api/x//evil.example/")}},
		{name: "with a password", answer: status("302 Found", "Location: "+strings.Replace(own, "//", "//EVIL:EVIL@", 1)+"/b") + ok, status: 302, header: http.Header{"Location": value("/api/x/b")}},
		{name: "from the root", answer: status("302 Found", "Location: /b") + ok, status: 302, header: http.Header{"Location": value("/api/x/b")}},
		{name: "relative", target: "/api/x/dir/a", answer: status("302 Found", "Location: ../b") + ok, status: 302, header: http.Header{"Location": value("/api/x/b")}},
		{name: "up and out", answer: status("302 Found", "Location: ../../../auth/me") + ok, status: 302, header: http.Header{"Location": value("/api/x/auth/me")}},
		{name: "garbage", answer: status("302 Found", "Location: http://EVIL:x/%zz") + ok, status: 302, header: gone("Location")},
		{name: "backslashes", answer: status("302 Found", `Location: /\EVIL.example`) + ok, status: 302, header: gone("Location")},
		{name: "two places", answer: status("302 Found", "Location: /b", "Location: https://EVIL.example") + ok, status: 302, header: gone("Location")},
		{name: "its own origin as the place of the content", answer: status("200 OK", "Content-Location: "+own+"/b") + ok, status: 200, header: http.Header{"Content-Location": value("/api/x/b")}},

		{name: "101 that nobody asked for", answer: status("101 Switching Protocols", "Connection: Upgrade", "Upgrade: EVIL", "", "EVIL"), status: 502, code: "upstream_unreachable"},
		{name: "no HTTP", answer: "SSH-2.0-EVIL\n\n", status: 502, code: "upstream_unreachable"},
		{name: "nothing", answer: "", status: 502, code: "upstream_unreachable"},
		{name: "half a head", answer: "HTTP/1.1 200 OK\nX-A: EVIL", status: 502, code: "upstream_unreachable"},
		{name: "a status of two digits", answer: status("42 EVIL") + ok, status: 502, code: "upstream_unreachable"},
		{name: "status 099", answer: status("099 EVIL") + ok, status: 502, code: "upstream_unreachable"},
		{name: "status 199", answer: status("199 EVIL") + ok, status: 502, code: "upstream_unreachable"},
		{name: "a status with a sign", answer: status("+200 EVIL") + ok, status: 502, code: "upstream_unreachable"},
		{name: "a space before the colon", answer: status("200 OK", "Set-Cookie : access_token=EVIL") + ok, status: 200, header: gone("Set-Cookie", "Set-Cookie ")},
		{name: "two lengths", answer: status("200 OK", "Content-Length: 3") + ok, status: 502, code: "upstream_unreachable"},
		{name: "a length with a sign", answer: status("200 OK", "Content-Length: +2", "", "EVIL"), status: 502, code: "upstream_unreachable"},
		{name: "a coding nobody knows", answer: status("200 OK", "Transfer-Encoding: EVIL", "", "EVIL"), status: 502, code: "upstream_unreachable"},
		{name: "headers of 2 MiB", answer: status("200 OK", "X-A: "+strings.Repeat("EVIL", 1<<19)) + ok, status: 502, code: "upstream_unreachable"},

		{name: "a length too long", answer: status("200 OK", "Content-Length: 10000", "", strings.Repeat("x", 9000)), status: 200, broken: true},
		{name: "a length too short", answer: status("200 OK", "Content-Length: 5", "", "helloEVIL\n\nHTTP/1.1 200 OK\nSet-Cookie: access_token=EVIL\n\n"), status: 200, body: "hello", surplus: true},
		{name: "chunks that break off", answer: status("200 OK", "Transfer-Encoding: chunked", "", "5\nhello\n5\nhe"), status: 200, body: "hellohe", broken: true},
		{name: "chunks without an end", answer: status("200 OK", "Transfer-Encoding: chunked", "", "5\nhello\n"), status: 200, body: "hello", broken: true},
		{name: "chunks of no size", answer: status("200 OK", "Transfer-Encoding: chunked", "", "5\nhello\nzz\nEVIL\n0\n\n"), status: 200, body: "hello", broken: true},
		{name: "a body without a length ends with the connection", answer: status("200 OK", "", "hello"), status: 200, body: "hello"},
		{name: "a body for 204", answer: status("204 No Content", "Content-Length: 4", "", "EVIL"), status: 204, surplus: true},
		{name: "a body for 304", answer: status("304 Not Modified", "ETag: \"1\"", "", "EVIL"), status: 304, surplus: true, header: http.Header{"Etag": value(`"1"`)}},
		{name: "a few 1xx", answer: strings.Repeat(status("103 Early Hints", "Link: </a>", ""), 31) + status("102 Processing", "") + status("200 OK") + ok, status: 200, body: "ok"},
		{
			name: "1xx without end", status: 502, code: "upstream_unreachable",
			answers: func(conn net.Conn, _ *http.Request) bool {
				for {
					if _, err := io.WriteString(conn, onWire.Replace(status("103 Early Hints", "X-A: "+strings.Repeat("evil", 1000), ""))); err != nil {
						return false
					}
				}
			},
		},
		{
			name: "hangs before the header", target: "/api/slow/a", status: 504, code: "upstream_timeout",
			answers: func(conn net.Conn, _ *http.Request) bool { _, _ = conn.Read(make([]byte, 1)); return false },
		},
		{
			name: "hangs in the header", target: "/api/slow/a", status: 504, code: "upstream_timeout",
			answers: func(conn net.Conn, _ *http.Request) bool {
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX-A: EVIL")
				_, _ = conn.Read(make([]byte, 1))
				return false
			},
		},
		{
			name: "hangs after a 103", target: "/api/slow/a", status: 504, code: "upstream_timeout",
			answers: func(conn net.Conn, _ *http.Request) bool {
				fmt.Fprint(conn, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
				_, _ = conn.Read(make([]byte, 1))
				return false
			},
		},
	}
	for _, row := range rows {
		for _, as := range []caller{member, stale} {
			t.Run(row.name+map[caller]string{stale: ", stale"}[as], func(t *testing.T) { b.hear(t, row, as) })
		}
	}
	if !strings.HasPrefix(public, "http://localhost") {
		t.Fatal("the rows above are about http")
	}
}

func (b *besieged) hear(t *testing.T, row hostile, as caller) {
	b.upstream.forget()
	b.upstream.answers(row.answer)
	if row.answers != nil {
		b.upstream.answersBy(row.answers)
	}
	if row.surplus {
		dropped := b.upstream.answersTooMuch(row.answer)
		defer func() {
			if !<-dropped {
				t.Error("the connection with something left over was kept")
			}
		}()
	}
	target := row.target
	if target == "" {
		target = "/api/x/a"
	}
	got := b.exchange(t, as, get(target), false)
	if got.StatusCode != row.status {
		t.Fatalf("status %d, want %d\n%.2000s", got.StatusCode, row.status, got.raw)
	}
	if got.leaks(b.upstream) {
		t.Errorf("it got through:\n%.2000s", got.raw)
	}
	got.checkProblem(t, row.code)
	if row.code != "" && !strings.Contains(got.body, target[:strings.LastIndexByte(target, '/')]) {
		t.Errorf("the problem does not name the route: %s", got.body)
	}
	if row.body != "" && got.body != row.body {
		t.Errorf("body %q, want %q", got.body, row.body)
	}
	if complete := got.bodyErr == nil; complete == row.broken {
		t.Errorf("the body ended with %v, broken is %v", got.bodyErr, row.broken)
	}
	var foreign []string // cookies that are not those of a renewal
	for _, c := range got.Header["Set-Cookie"] {
		if as != stale || !strings.HasPrefix(c, "access_token=ey") && !strings.HasPrefix(c, "refresh_token=ey") {
			foreign = append(foreign, c)
		}
	}
	if as == stale && len(got.Header["Set-Cookie"])-len(foreign) != 2 {
		t.Errorf("the renewed cookies are missing: %v", got.Header["Set-Cookie"])
	}
	got.Header["Set-Cookie"] = foreign
	for name, want := range row.header {
		if name == "Cache-Control" && as == stale {
			want = value("no-store") // for the cookies
		}
		if !slices.Equal(got.Header[name], want) {
			t.Errorf("%s: %q, want %q", name, got.Header[name], want)
		}
	}
	for name := range got.Trailer {
		if name != "X-Sum" {
			t.Errorf("trailer %s: %s", name, got.Trailer[name])
		}
	}
	for _, interim := range got.interims {
		for name := range interim {
			if name != "Link" && name != "X-A" {
				t.Errorf("1xx with %s: %s", name, interim[name])
			}
		}
	}
	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "X-Request-Id"} {
		if len(got.Header[name]) != 1 {
			t.Errorf("%s: %q", name, got.Header[name])
		}
	}
}

// An upstream that hangs delays neither other routes, nor sign-in, nor other requests
// to itself.
func TestAttackHangingUpstreamDelaysNoOtherRequest(t *testing.T) {
	b := besiege(t)
	const hanging = 200
	arrived := make(chan struct{}, hanging)
	b.upstream.answersBy(func(conn net.Conn, r *http.Request) bool {
		if r.URL.Path != "/hang" {
			_, _ = io.WriteString(conn, onWire.Replace(plainAnswer))
			return true
		}
		arrived <- struct{}{}
		_, _ = conn.Read(make([]byte, 1))
		return false
	})
	for range hanging {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, onWire.Replace(strings.Replace(get("/api/x/hang"), "{as}", b.cookies[member], 1)))
	}
	for range hanging {
		<-arrived
	}
	for _, target := range []string{"/api/jar/a", "/api/x/a", "/api/open/a"} {
		if got := b.exchange(t, member, get(target), false); got.StatusCode != 200 {
			t.Errorf("%s: %d", target, got.StatusCode)
		}
	}
	b.Browser().Do("POST", "/api/auth/login", site.Credentials("member@example.com")).Want(t, 200)
}
