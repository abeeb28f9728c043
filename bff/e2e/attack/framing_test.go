package attack

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// smuggled is what an attacker hides behind a request: neither answered nor
// forwarded, whoever it is hidden behind.
const smuggled = "GET /api/open/EVIL HTTP/1.1\nHost: localhost\n\n"

func post(target string, headers ...string) string { return request("POST", target, headers...) }

// Two readers that disagree on where a request ends let somebody put a request
// of his own in front of another's. Everything that can be read in two ways is
// refused, and nothing that follows it on the connection is answered.
func TestAttackFraming(t *testing.T) {
	const chunked, five = "Transfer-Encoding: chunked", "Content-Length: 5"
	one := "1\nx\n0\n\n"
	heads := map[string]string{
		"length and chunks":                     post("/api/x/a", five, chunked) + one,
		"chunks and length":                     post("/api/x/a", chunked, five) + one,
		"chunks and length 0":                   post("/api/x/a", chunked, "Content-Length: 0") + one,
		"chunks and a length with nothing":      post("/api/x/a", chunked, "Content-Length:") + one,
		"chunks and length in small letters":    post("/api/x/a", "transfer-encoding: CHUNKED", "content-length: 5") + one,
		"chunks and length, GET":                get("/api/x/a", five, chunked) + one,
		"chunks and length, public row":         post("/api/open/a", five, chunked) + one,
		"chunks and length, no row":             post("/api/nowhere", five, chunked) + one,
		"chunks and length, our own endpoint":   post("/api/auth/login", "Content-Type: application/json", five, chunked) + one,
		"chunks and length, a page":             get("/", five, chunked) + one,
		"two lengths":                           post("/api/x/a", five, "Content-Length: 6") + "hello",
		"two equal lengths":                     post("/api/x/a", five, five) + "hello",
		"a list of lengths":                     post("/api/x/a", "Content-Length: 5, 5") + "hello",
		"length with a plus":                    post("/api/x/a", "Content-Length: +5") + "hello",
		"length with a minus":                   post("/api/x/a", "Content-Length: -5") + "hello",
		"length with a space":                   post("/api/x/a", "Content-Length: 0 5") + "hello",
		"length with a point":                   post("/api/x/a", "Content-Length: 5.0") + "hello",
		"length in hexadecimal":                 post("/api/x/a", "Content-Length: 0x5") + "hello",
		"length beyond all numbers":             post("/api/x/a", "Content-Length: 99999999999999999999"),
		"length without a number":               post("/api/x/a", "Content-Length: five") + "hello",
		"length in other digits":                post("/api/x/a", "Content-Length: ٥") + "hello",
		"two codings":                           post("/api/x/a", chunked, chunked) + one,
		"chunked twice":                         post("/api/x/a", "Transfer-Encoding: chunked, chunked") + one,
		"chunked is not last":                   post("/api/x/a", "Transfer-Encoding: chunked, identity") + one,
		"identity":                              post("/api/x/a", "Transfer-Encoding: identity", five) + "hello",
		"a coding that only looks like chunked": post("/api/x/a", "Transfer-Encoding: xchunked") + one,
		"chunked in quotes":                     post("/api/x/a", `Transfer-Encoding: "chunked"`) + one,
		"chunked behind a vertical tab":         post("/api/x/a", "Transfer-Encoding: \vchunked") + one,
		"chunked on a folded line":              post("/api/x/a", "Transfer-Encoding:", " chunked") + one,
		"chunks in HTTP/1.0":                    "POST /api/x/a HTTP/1.0\nHost: localhost\n{as}Connection: keep-alive\n" + chunked + "\n\n" + one,
		"a folded line":                         get("/api/x/a", "X-A: b", " EVIL: c"),
		"a folded line with a tab":              get("/api/x/a", "X-A: b", "\tEVIL"),
		"a fold before the first header":        "GET /api/x/a HTTP/1.1\n Host: localhost\n{as}\n",
		"bare LF in the request line":           "GET /api/x/a HTTP/1.1␊Host: localhost\n{as}\n",
		"bare LF in a header":                   get("/api/x/a", "X-A: b␊X-B: c"),
		"bare LF at the end":                    "GET /api/x/a HTTP/1.1\nHost: localhost\n{as}␊",
		"bare LFs throughout":                   "GET /api/open/a HTTP/1.1␊Host: localhost␊␊",
		"bare CR in a header":                   get("/api/x/a", "X-A: b␍Content-Length: 5"),
		"CR CR LF":                              get("/api/x/a", "X-A: b␍"),
		"a space before the colon":              post("/api/x/a", "Content-Length : 5") + "hello",
		"a tab before the colon":                post("/api/x/a", "Transfer-Encoding\t: chunked") + one,
		"a header without a colon":              get("/api/x/a", "EVIL"),
		"a header without a name":               get("/api/x/a", ": EVIL"),
		"a space in a name":                     get("/api/x/a", "X A: EVIL"),
		"a letter of another script in a name":  get("/api/x/a", "Content-Length\u00a0: 5"),
		"NUL in a value":                        get("/api/x/a", "X-A: b␀EVIL"),
		"NUL in a name":                         get("/api/x/a", "X-A␀: EVIL"),
		"an escape sequence in a value":         get("/api/x/a", "X-A: \x1b[2J"),
		"a trailer about framing":               post("/api/x/a", chunked, "Trailer: Content-Length") + "0\nContent-Length: 5\n\n",
		"an empty line first":                   "\n" + get("/api/x/a"),
	}
	chunks := map[string]string{
		"no number":                              "zz\nhello\n0\n\n",
		"nothing":                                "\nhello\n0\n\n",
		"with a sign":                            "+5\nhello\n0\n\n",
		"negative":                               "-5\nhello\n0\n\n",
		"in 0x":                                  "0x5\nhello\n0\n\n",
		"with a space":                           "5 \nhello\n0\n\n",
		"more than fits":                         "fffffffffffffffff\nhello\n0\n\n",
		"a multiple of 2^64":                     "10000000000000005\nhello\n0\n\n",
		"too small":                              "4\nhello\n0\n\n",
		"too large":                              "6\nhello\n0\n\n",
		"bare LF":                                "5␊hello\n0\n\n",
		"bare LF after the data":                 "5\nhello␊0\n\n",
		"bare LF in an extension":                "5;a␊hello\n0\n\n",
		"bare CR in an extension":                "5;a␍b\nhello\n0\n\n",
		"an extension without end":               "5;" + strings.Repeat("a", 10000) + "\nhello\n0\n\n",
		"NUL in an extension":                    "5;a␀\nhello\n0\n\n",
		"trailers with a fold":                   "0\nX-A: b\n c\n\n",
		"trailers with a bare LF":                "0\nX-A: b␊␊",
		"trailers without a colon":               "0\nX-A\n\n",
		"trailers with a space before the colon": "0\nContent-Length : 5\n\n",
	}
	var rows []attack
	for name, send := range heads {
		row := attack{name: name, as: member, send: send + smuggled, status: 400, code: malformed, closes: true}
		rows = append(rows, row)
		row.name, row.as = name+", anonymous", anonymous
		rows = append(rows, row)
	}
	for name, body := range chunks {
		rows = append(rows, attack{
			name: "chunk: " + name, as: member, status: 400, code: malformed, closes: true,
			send: post("/api/x/a", chunked) + body + smuggled,
		}, attack{
			name: "chunk: " + name + ", our own endpoint", as: member, status: 400, code: "malformed_json", closes: true,
			send: post("/api/auth/logout-all", "Content-Type: application/json", chunked) + strings.Replace(body, "hello", "{   }", 1) + smuggled,
		})
	}
	rows = append(rows,
		attack{name: "an unknown coding", as: member, send: post("/api/x/a", "Transfer-Encoding: gzip, chunked") + one + smuggled, status: 501, code: malformed, closes: true},
		attack{name: "huge headers", as: member, send: get("/api/x/a", "X-A: "+strings.Repeat("EVIL", 50_000)), status: 431, code: "header_too_large", closes: true},
		attack{name: "very many headers", as: member, send: get("/api/x/a", strings.Repeat("EVIL: 1\n", 20_000)+"X: 1"), status: 431, code: "header_too_large", closes: true},
		attack{name: "an expectation nobody knows", as: member, send: post("/api/x/a", "Expect: EVIL", five), status: 417, code: malformed, closes: true},
		attack{name: "an expectation nobody knows beside one", as: member, send: post("/api/x/a", "Expect: 100-continue, EVIL", five), status: 417, code: malformed, closes: true},
		attack{name: "a body announced too large", as: member, send: post("/api/small/a", "Content-Length: 6") + "EVIL!!" + smuggled, status: 413, code: "body_too_large", closes: true},
		attack{name: "a body larger than allowed, in chunks", as: member, send: post("/api/small/a", chunked) + "6\nEVIL!!\n0\n\n" + smuggled, status: 413, code: "body_too_large", closes: true},
		attack{name: "a body as large as allowed", as: member, send: post("/api/small/a", five) + "hello", status: 200, arrives: "POST /a HTTP/1.1", has: []string{"\r\n\r\nhello"}},
	)

	whole := []attack{
		{name: "length", as: member, send: post("/api/x/a", five) + "hello", has: []string{"\r\nContent-Length: 5\r\n", "\r\n\r\nhello"}},
		{name: "length, and blanks around it", as: member, send: post("/api/x/a", "content-length: \t5 ") + "hello", has: []string{"\r\nContent-Length: 5\r\n", "\r\n\r\nhello"}},
		{name: "chunks", as: stale, send: post("/api/x/a", chunked) + "2\nhe\n3\nllo\n0\n\n", hasNot: []string{"Content-Length"}},
		{name: "chunks with extensions, which end here", as: member, send: post("/api/x/a", chunked) + "5;EVIL=\"1\"\nhello\n0;EVIL\n\n", has: []string{"hello"}},
		{
			name: "trailers", as: member, send: post("/api/x/a", chunked, "Trailer: X-Sum, Authorization, X_User_Id") + "5\nhello\n0\nX-Sum: 42\nX_User_Id: EVIL\nAuthorization: EVIL\nX-Unannounced: EVIL\n\n",
			has: []string{"\r\nTrailer: X-Sum\r\n", "0\r\nX-Sum: 42\r\n\r\n"},
		},
		{name: "100-continue", as: member, send: post("/api/x/a", "Expect: 100-continue", five) + "hello", has: []string{"hello"}},
		{name: "HTTP/1.0", as: member, send: "POST /api/x/a HTTP/1.0\nHost: localhost\n{as}Content-Length: 5\n\nhello", has: []string{"hello"}},
		{name: "a request inside of a body is no request", as: member, send: post("/api/x/a", "Content-Length: 48") + strings.Replace(smuggled, "EVIL", "free", 1)},
	}
	for _, row := range whole {
		row.status, row.arrives = 200, "POST /a HTTP/1.1"
		rows = append(rows, row)
	}
	besiege(t).try(t, rows)
}

// A request that is refused with its body unread leaves nothing behind that
// could be taken for the next one.
func TestAttackRefusalsLeaveNothingBehind(t *testing.T) {
	b := besiege(t)
	body := onWire.Replace(smuggled)
	for name, head := range map[string]string{
		"not signed in":   "POST /api/x/a HTTP/1.1\n",
		"no such path":    "POST /api/nowhere HTTP/1.1\n",
		"bad path":        "POST /api/x//a HTTP/1.1\n",
		"another method":  "PUT /api/only/a HTTP/1.1\n",
		"from elsewhere":  "POST /api/x/a HTTP/1.1\nOrigin: https://evil.example\n",
		"to a page":       "POST / HTTP/1.1\n",
		"unknown method":  "BREW /api/x/a HTTP/1.1\n",
		"not an endpoint": "GET /api/auth/login HTTP/1.1\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, framing := range []string{"Content-Length: 48\n\n" + body, "Transfer-Encoding: chunked\n\n30\n" + body + "\n0\n\n"} {
				b.upstream.forget()
				conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(25 * time.Second))
				_, _ = io.WriteString(conn, onWire.Replace(head+"Host: localhost\n"+framing))
				_ = conn.(*net.TCPConn).CloseWrite()
				all, _ := io.ReadAll(conn)
				conn.Close()
				if n := strings.Count(string(all), "HTTP/1.1 "); n != 1 || len(b.upstream.requests()) > 0 {
					t.Errorf("%d answers, the upstream got %q\n%s", n, b.upstream.requests(), all)
				}
			}
		})
	}
}

// An upstream that answers before it has read the body is heard at once; the
// rest of the body is no request, and the next one has a connection of its own.
func TestAttackAnswerBeforeTheBodyEnds(t *testing.T) {
	b := besiege(t)
	early := make(chan struct{}, 8)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close() // at the end: it stays open, with the body unread
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return
			}
			early <- struct{}{}
			_, _ = io.WriteString(conn, "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	b.Stop()
	b.rewriteRoutes(t, "http://"+l.Addr().String())
	b.Start()

	for _, framing := range []string{"Content-Length: 1000\n\n", "Transfer-Encoding: chunked\n\n3e8\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(25 * time.Second))
		br := bufio.NewReader(conn)
		_, _ = io.WriteString(conn, onWire.Replace("POST /api/open/a HTTP/1.1\nHost: localhost\n"+framing+"beginning"))
		<-early
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 409 || !resp.Close {
			t.Fatalf("%+v, %v", resp, err)
		}
		_, _ = io.WriteString(conn, strings.Repeat("x", 991)+onWire.Replace(smuggled))
		if rest, err := io.ReadAll(br); len(rest) > 0 {
			t.Errorf("the connection goes on: %q, %v", rest, err)
		}
		conn.Close()
		if len(early) > 0 {
			t.Error("the upstream got what was smuggled")
		}
	}
}
