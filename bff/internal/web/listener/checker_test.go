package listener

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ends returns the offsets at which the requests of a stream end, up to the first
// fault.
func ends(stream string) (offsets []int) {
	var k checker
	begun := false
	for i := range len(stream) {
		if _, err := k.checkBytes([]byte(stream[i : i+1])); err != nil {
			return offsets
		}
		if begun && k.state == inRequestLine {
			offsets = append(offsets, i+1)
		}
		begun = k.state != inRequestLine
	}
	return offsets
}

// checkStream checks a stream in pieces of the given size.
func checkStream(stream string, piece int) (n int, fault error) {
	var k checker
	for len(stream) > 0 {
		size := min(piece, len(stream))
		good, err := k.checkBytes([]byte(stream[:size]))
		n += good
		if err != nil {
			return n, err
		}
		stream = stream[size:]
	}
	return n, nil
}

// wire replaces \n by CRLF, ␊ by a bare LF, ␍ by a bare CR and ␀ by NUL.
func wire(s string) string {
	return strings.NewReplacer("\n", "\r\n", "␊", "\n", "␍", "\r", "␀", "\x00").Replace(s)
}

var streams = []struct {
	name, stream string
	fault        error
}{
	{"no body", "GET / HTTP/1.1\nHost: h\n\n", nil},
	{"two in one go", "GET / HTTP/1.1\nHost: h\n\nGET /b HTTP/1.1\nHost: h\n\n", nil},
	{"length", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhelloGET / HTTP/1.1\nHost: h\n\n", nil},
	{"length 0", "POST / HTTP/1.1\nHost: h\nContent-Length: 0\n\n", nil},
	{"length with blanks around", "POST / HTTP/1.1\nHost: h\ncontent-length: \t 5 \t\n\nhello", nil},
	{"a body that looks like a head", "POST / HTTP/1.1\nHost: h\nContent-Length: 8\n\n␊␊ ␍␊ ␊␀", nil},
	{"empty line after a body", "POST / HTTP/1.1\nHost: h\nContent-Length: 1\n\nx\nGET / HTTP/1.1\nHost: h\n\n", nil},
	{"expects", "POST / HTTP/1.1\nHost: h\nExpect: 100-Continue\nContent-Length: 1\n\nx", nil},
	{"HTTP/1.0", "GET / HTTP/1.0\n\n", nil},
	{"chunks", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello\n00a\n0123456789\n0\n\nGET / HTTP/1.1\nHost: h\n\n", nil},
	{"capitals", "POST / HTTP/1.1\nHost: h\nTRANSFER-ENCODING: Chunked\n\n0\n\n", nil},
	{"chunk extension", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5;a=b;c=\"d\"\nhello\n0;x\n\n", nil},
	{"trailers", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTrailer: A\n\n1\nx\n0\nA: 1\nB: 2\n\nGET / HTTP/1.1\nHost: h\n\n", nil},
	{"a long line", "GET /" + strings.Repeat("x", 5000) + " HTTP/1.1\nHost: h\nX: " + strings.Repeat("y", 5000) + "\n\n", nil},
	{"a coding before chunked is 501", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: gzip, chunked\n\n0\n\n", nil},

	{"length and chunks", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", errBothLengths},
	{"chunks and length", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nContent-Length: 0\n\n0\n\n", errBothLengths},
	{"the same on the second request", "POST / HTTP/1.1\nHost: h\nContent-Length: 1\n\nxPOST / HTTP/1.1\nHost: h\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n", errBothLengths},
	{"two lengths", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\nContent-Length: 6\n\nhello", errLength},
	{"the same length twice", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\nContent-Length: 5\n\nhello", errLength},
	{"a list of lengths", "POST / HTTP/1.1\nHost: h\nContent-Length: 5, 5\n\nhello", errLength},
	{"plus", "POST / HTTP/1.1\nHost: h\nContent-Length: +5\n\nhello", errLength},
	{"minus", "POST / HTTP/1.1\nHost: h\nContent-Length: -5\n\nhello", errLength},
	{"space inside", "POST / HTTP/1.1\nHost: h\nContent-Length: 5 5\n\nhello", errLength},
	{"hexadecimal", "POST / HTTP/1.1\nHost: h\nContent-Length: 0x5\n\nhello", errLength},
	{"underscore", "POST / HTTP/1.1\nHost: h\nContent-Length: 1_0\n\nhello", errLength},
	{"no number", "POST / HTTP/1.1\nHost: h\nContent-Length:\n\n", errLength},
	{"more than fits", "POST / HTTP/1.1\nHost: h\nContent-Length: 9223372036854775808\n\n", errLength},
	{"hidden behind blanks", "POST / HTTP/1.1\nHost: h\nContent-Length:" + strings.Repeat(" ", 200) + "5\n\nhello", errLength},
	{"chunked twice", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n", errCoding},
	{"chunked, chunked", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked, chunked\n\n0\n\n", errCoding},
	{"chunked is not last", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked, identity\n\n0\n\n", errCoding},
	{"identity", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: identity\n\n", errCoding},
	{"lookalike", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: xchunked\n\n0\n\n", errCoding},
	{"quoted", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: \"chunked\"\n\n0\n\n", errCoding},
	{"vertical tab", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: \vchunked\n\n0\n\n", errCoding},
	{"empty coding", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding:\n\n", errCoding},
	{"coding hidden behind blanks", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding:" + strings.Repeat("\t", 200) + "chunked\n\n0\n\n", errCoding},
	{"chunks in HTTP/1.0", "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n0\n\n", errCoding},
	{"bare LF in the request line", "GET / HTTP/1.1␊Host: h\n\n", errLineEnd},
	{"bare LF in a header", "GET / HTTP/1.1\nHost: h␊\n", errLineEnd},
	{"bare LF at the end", "GET / HTTP/1.1\nHost: h\n␊", errLineEnd},
	{"bare CR in a header", "GET / HTTP/1.1\nHost: h\nX: a␍b\n\n", errLineEnd},
	{"bare CR, then Content-Length", "POST / HTTP/1.1\nHost: h\nX: a␍Content-Length: 5\n\nhello", errLineEnd},
	{"CR CR LF", "GET / HTTP/1.1\nHost: h␍\n\n", errLineEnd},
	{"folded", "GET / HTTP/1.1\nHost: h\nX: a\n b\n\n", errFolded},
	{"folded coding", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding:\n chunked\n\n0\n\n", errCoding},
	{"folded with a tab", "GET / HTTP/1.1\nHost: h\nX: a\n\tb\n\n", errFolded},
	{"space before the first header", "GET / HTTP/1.1\n Host: h\n\n", errFolded},
	{"space before the colon", "POST / HTTP/1.1\nHost: h\nContent-Length : 5\n\nhello", errNoField},
	{"tab before the colon", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding\t: chunked\n\n0\n\n", errNoField},
	{"no colon", "GET / HTTP/1.1\nHost: h\nContent-Length\n\n", errNoField},
	{"no name", "GET / HTTP/1.1\nHost: h\n: x\n\n", errNoField},
	{"bare LF first", "␊GET / HTTP/1.1\nHost: h\n\n", errLineEnd},
	{"an expectation", "POST / HTTP/1.1\nHost: h\nexpect: x\nContent-Length: 5\n\n", errExpectation},
	{"two expectations", "POST / HTTP/1.1\nHost: h\nExpect: 100-continue, x\nContent-Length: 5\n\n", errExpectation},
	{"no expectation", "POST / HTTP/1.1\nHost: h\nExpect:\nContent-Length: 5\n\nhello", errExpectation},
	{"chunk size with a sign", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n+5\nhello\n0\n\n", errChunk},
	{"chunk size in 0x", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n0x5\nhello\n0\n\n", errChunk},
	{"chunk size with a space", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5 \nhello\n0\n\n", errChunk},
	{"chunk size is empty", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n\nhello\n0\n\n", errChunk},
	{"chunk size overflows", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n10000000000000005\nhello\n0\n\n", errChunk},
	{"chunk longer than its size", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n4\nhello\n0\n\n", errChunk},
	{"bare LF after a chunk size", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5␊hello\n0\n\n", errLineEnd},
	{"bare LF in a chunk extension", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5;a␊hello\n0\n\n", errLineEnd},
	{"bare CR in a chunk extension", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5;a␍b\nhello\n0\n\n", errLineEnd},
	{"endless chunk extension", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5;" + strings.Repeat("a", 500) + "\nhello\n0\n\n", errChunk},
	{"NUL in a chunk extension", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5;␀\nhello\n0\n\n", errChunk},
	{"bare LF after a chunk", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello␊0\n\n", errLineEnd},
	{"folded trailer", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n0\nA: 1\n b\n\n", errFolded},
	{"trailers end in bare LFs", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n0\nA: 1␊␊GET / HTTP/1.1\nHost: h\n\n", errLineEnd},
}

func TestChecker(t *testing.T) {
	for _, tt := range streams {
		stream := wire(tt.stream)
		for _, piece := range []int{1, 2, 7, 1 << 20} {
			if _, fault := checkStream(stream, piece); fault != tt.fault {
				t.Errorf("%s, in pieces of %d: %v, want %v", tt.name, piece, fault, tt.fault)
			}
		}
		compareWithNetHTTP(t, stream)
		checkPoisoned(t, stream)
	}
}

// compareWithNetHTTP: a request that both accept ends at the same byte for both.
func compareWithNetHTTP(t *testing.T, stream string) {
	t.Helper()
	ours := ends(stream)
	src := strings.NewReader(stream)
	br := bufio.NewReader(src)
	for i := 0; ; i++ {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		end := len(stream) - src.Len() - br.Buffered()
		if i >= len(ours) {
			return // refused here, or nothing more
		}
		if ours[i] != end {
			t.Fatalf("request %d of %q ends at %d here and at %d in net/http", i, stream, ours[i], end)
		}
	}
}

// checkPoisoned: the bytes of a refused message that net/http reads are for it
// neither a complete message nor the beginning of a longer one.
func checkPoisoned(t *testing.T, stream string) {
	t.Helper()
	var k checker
	n, fault := k.checkBytes([]byte(stream))
	if fault == nil {
		return
	}
	br := bufio.NewReader(strings.NewReader(stream[:n] + k.poison()))
	complete := 0
	for {
		r, err := http.ReadRequest(br)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err == io.ErrUnexpectedEOF && k.poison() != "" {
			t.Fatalf("%q: the reader of the body waits for more", stream)
		}
		if err != nil {
			break
		}
		complete++
	}
	if want := len(ends(stream)); complete > want {
		t.Fatalf("%q: net/http takes %d requests for complete, of %d", stream, complete, want)
	}
}

func FuzzChecker(f *testing.F) {
	for _, tt := range streams {
		f.Add(wire(tt.stream), 3)
	}
	f.Fuzz(func(t *testing.T, stream string, piece int) {
		compareWithNetHTTP(t, stream)
		whole, faultOfWhole := checkStream(stream, len(stream)+1)
		parts, faultOfParts := checkStream(stream, max(1, piece))
		if whole != parts || faultOfWhole != faultOfParts {
			t.Fatalf("%q: %d %v in one piece, %d %v in pieces of %d", stream, whole, faultOfWhole, parts, faultOfParts, piece)
		}
		checkPoisoned(t, stream)
	})
}

// unreadProblem is the body of testProblem.
type unreadProblem struct {
	Status int
	Fault  string
}

// testProblem stands for web.UnreadProblem.
func testProblem(status int, fault error) []byte {
	p := unreadProblem{Status: status}
	if fault != nil {
		p.Fault = fault.Error()
	}
	body, _ := json.Marshal(p)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), body)
}

// serveChecked returns everything that a checked server answers to a stream.
func serveChecked(t *testing.T, stream string, end bool, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Listener = CheckFraming(srv.Config, srv.Listener, Options{Log: slog.New(slog.DiscardHandler), Problem: testProblem})
	srv.Start()
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(c, wire(stream))
	if end {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	answers, _ := io.ReadAll(c) // a reset is an end too
	return string(answers)
}

// The refusals that net/http writes by itself become problems; a handler's response
// is unchanged, even when it looks like such a refusal.
func TestAnswersOfNetHTTPItself(t *testing.T) {
	for head, status := range map[string]int{
		"GET / HTTP/1.1\n\n":                                                 400, // no Host
		"GET / HTTP/1.1\nHost: a\nHost: b\n\n":                               400,
		"GET /%zz HTTP/1.1\nHost: h\n\n":                                     400,
		"GET / HTTP/1.1\nHost: h\nX: ␀\n\n":                                  400,
		"GET / HTTP/1.1\nHost: h\nX Y: 1\n\n":                                400,
		"GET / HTTP/3.0\nHost: h\n\n":                                        505,
		"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: gzip, chunked\n\n":     501,
		"GET / HTTP/1.1\nHost: h\nX: " + strings.Repeat("x", 2<<20) + "\n\n": 431,
		"GET /a HTTP/1.1\nHost: h\n\nGET / HTTP/1.1\nHost: a\nHost: b\n\n":   400, // after an answer
	} {
		answers := serveChecked(t, head, false, func(http.ResponseWriter, *http.Request) {})
		i := strings.LastIndex(answers, fmt.Sprint("HTTP/1.1 ", status))
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answers[max(0, i):])), nil)
		if err != nil {
			t.Fatalf("%.60q: %v %q", head, err, answers)
		}
		var p unreadProblem
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil || p != (unreadProblem{Status: status}) || res.StatusCode != status ||
			!res.Close || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60q: %q", head, answers)
		}
	}
	imitation := "HTTP/1.1 400 Bad Request" + plainHead + "400 Bad Request"
	for name, h := range map[string]http.HandlerFunc{
		"after the head": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(imitation)))
			w.(http.Flusher).Flush()
			io.WriteString(w, imitation)
		},
		"along with it": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, imitation)
		},
	} {
		if answers := serveChecked(t, "GET / HTTP/1.1\nHost: h\n\n", true, h); !strings.HasSuffix(answers, "\r\n\r\n"+imitation) {
			t.Errorf("a body was changed, %s: %q", name, answers)
		}
	}
}

// The bytes of a WebSocket are not checked, not even those sent before the 101.
func TestHijackedConnectionIsNotChecked(t *testing.T) {
	frames := "\n\x00 \r\n\r\n:\n" + strings.Repeat("frame\n", 2000)
	var got string
	answers := serveChecked(t, "GET / HTTP/1.1\nHost: h\nConnection: Upgrade\nUpgrade: websocket\n\n"+frames, true, func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		b, err := io.ReadAll(rw)
		if err != nil {
			t.Error(err)
		}
		got = string(b)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	})
	if got != wire(frames) || answers != "HTTP/1.1 101 Switching Protocols\r\n\r\n" {
		t.Errorf("%d bytes of %d arrived, %q", len(got), len(wire(frames)), answers)
	}
}

// A request is answered whatever follows it on its connection. A fault used to be
// an error of the connection for net/http, which cancelled the good request.
func TestFaultBehindAGoodRequest(t *testing.T) {
	for name, fault := range map[string]string{
		"in a head":       "GET / HTTP/1.1\nHost: h\nX: a\n b\n\n",
		"at the start":    "␊GET / HTTP/1.1\nHost: h\n\n",
		"in a chunk":      "POST /bad HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\nzz\n",
		"an expectation":  "POST / HTTP/1.1\nHost: h\nExpect: x\nContent-Length: 5\n\n",
		"and much behind": "GET / HTTP/1.1\nHost: h\nX: a\n b\n\n" + strings.Repeat("GET / HTTP/1.1\nHost: h\n\n", 1000),
	} {
		for _, good := range []string{"GET / HTTP/1.1\nHost: h\n\n", "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello", "POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n"} {
			answers := serveChecked(t, good+good+fault, false, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.ReadAll(r.Body); err != nil {
					http.Error(w, "refused", 400)
					return
				}
				select {
				case <-r.Context().Done():
					t.Errorf("%s: a good request was cancelled", name)
				case <-time.After(20 * time.Millisecond):
				}
			})
			oks, refused, found := strings.Cut(answers, "HTTP/1.1 4")
			if strings.Count(oks, " 200 OK\r\n") != 2 || strings.Contains(refused, "HTTP/1.1 ") ||
				found == (name == "at the start") { // of which net/http has no byte to answer
				t.Errorf("%s: %q", name, answers)
			}
		}
	}
}

// A refused head reaches no handler, the response is a problem, and nothing that
// follows on the connection is answered.
func TestCheckedServer(t *testing.T) {
	for _, tt := range streams {
		var bodies []string
		answers := serveChecked(t, tt.stream, tt.fault == nil, func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, "broken body", 400)
				return
			}
			bodies = append(bodies, string(b))
		})
		handled := 0 // requests before the one that is refused
		if strings.Contains(tt.name, "on the second request") {
			handled = 1
		}
		status := "400 Bad Request"
		if tt.fault == errExpectation {
			status = "417 Expectation Failed"
		}
		oks, refusals := strings.Count(answers, " 200 OK\r\n"), strings.Count(answers, " "+status+"\r\n")
		switch {
		case tt.fault == nil:
			if refusals != 0 || len(bodies) != oks {
				t.Errorf("%s: %s", tt.name, answers)
			}
		case refusals != 1 || oks != handled || len(bodies) != handled || !strings.Contains(answers, "Connection: close"):
			t.Errorf("%s: %d handled, %s", tt.name, len(bodies), answers)
		case strings.Contains(answers, "broken body") == strings.Contains(answers, `{"Status":`):
			t.Errorf("%s: neither a handler's answer nor a problem: %s", tt.name, answers)
		}
	}
}
