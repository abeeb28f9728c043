package attack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// The attack tables send bytes as an attacker would write them, to the real
// product, in front of an upstream that keeps every byte it gets. Whatever
// must not get through has EVIL in it.
//
// In requests and answers \n stands for CRLF, ␊ for a bare LF, ␍ for a bare CR
// and ␀ for NUL. {as} is the line with the cookies of who is sending.
var onWire = strings.NewReplacer("\n", "\r\n", "␊", "\n", "␍", "\r", "␀", "\x00")

type caller uint8

const (
	anonymous caller = iota
	member
	stale // a member whose access token has expired
)

// attack is one row. An answer is expected, and nothing at the upstream unless
// arrives is set.
type attack struct {
	name    string
	as      caller
	send    string
	status  int
	code    string   // of the problem; "" when the answer is no problem of ours
	arrives string   // the request line that the upstream got
	has     []string // parts of what the upstream got
	hasNot  []string
	closes  bool // nothing after this request is answered
}

// get, and the same with headers or a body, is a request by whoever.
func get(target string, headers ...string) string { return request("GET", target, headers...) }

func request(method, target string, headers ...string) string {
	return method + " " + target + " HTTP/1.1\nHost: localhost\n{as}" + strings.Join(append(headers, "", ""), "\n")
}

// besieged is a product with a row of every kind in front of one upstream.
type besieged struct {
	*site.Harness
	upstream *recorder
	cookies  map[caller]string
}

const besiegedRoutes = `routes:
  - {path: /api/x, upstreams: [UP], strip_prefix: /api/x}
  - {path: /api/x/admin, upstreams: [UP], roles: [admin]}
  - {path: /api/open, upstreams: [UP], strip_prefix: /api/open, access: public, forward_cookies: true}
  - {path: /api/maybe, upstreams: [UP], strip_prefix: /api/maybe, access: optional}
  - {path: /api/only, upstreams: [UP], strip_prefix: /api/only, methods: [GET, POST]}
  - {path: /api/ids, upstreams: [UP], strip_prefix: /api/ids, identity: headers}
  - {path: /api/blank, upstreams: [UP], strip_prefix: /api/blank, identity: none}
  - {path: /api/jar, upstreams: [UP], strip_prefix: /api/jar, forward_cookies: true}
  - {path: /api/small, upstreams: [UP], strip_prefix: /api/small, max_body: 5B}
  - {path: /api/slow, upstreams: [UP], strip_prefix: /api/slow, timeout: 100ms}
`

func besiege(t *testing.T, extra ...string) *besieged {
	t.Helper()
	b := &besieged{Harness: site.Embedded(t), upstream: newRecorder(t)}
	b.Env["ROUTES_FILE"] = filepath.Join(t.TempDir(), "routes.yaml")
	b.rewriteRoutes(t, b.upstream.url)
	b.Start(extra...)
	header := func(who *site.Browser) string {
		return "Cookie: access_token=" + who.Cookie("access_token") + "; refresh_token=" + who.Cookie("refresh_token") + "\n"
	}
	b.cookies = map[caller]string{stale: header(b.Member("stale@example.com"))}
	b.Clock.Advance(20 * time.Minute)
	b.cookies[member] = header(b.Member("member@example.com"))
	return b
}

func (b *besieged) rewriteRoutes(t *testing.T, upstream string) {
	t.Helper()
	if err := os.WriteFile(b.Env["ROUTES_FILE"], []byte(strings.ReplaceAll(besiegedRoutes, "UP", upstream)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *besieged) try(t *testing.T, rows []attack) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { b.one(t, row) })
	}
}

func (b *besieged) one(t *testing.T, row attack) {
	b.upstream.forget()
	got := b.exchange(t, row.as, row.send, row.closes)
	if got.StatusCode != row.status {
		t.Fatalf("status %d, want %d\n%s", got.StatusCode, row.status, got.raw)
	}
	got.checkProblem(t, row.code)
	if got.leaks(b.upstream) {
		t.Errorf("the answer has something in it that must not get out:\n%s", got.raw)
	}
	if row.as == stale && row.arrives != "" && len(got.Header["Set-Cookie"]) != 2 {
		t.Errorf("the renewed cookies are missing: %v", got.Header["Set-Cookie"])
	}
	requests := b.upstream.requests()
	if row.arrives == "" {
		if len(requests) > 0 {
			t.Errorf("the upstream got\n%s", requests)
		}
		return
	}
	if len(requests) != 1 || !strings.HasPrefix(requests[0], row.arrives+"\r\n") {
		t.Fatalf("the upstream got %q, want %q", requests, row.arrives)
	}
	saw := requests[0]
	for _, part := range row.has {
		if !strings.Contains(saw, part) {
			t.Errorf("the upstream did not get %q:\n%s", part, saw)
		}
	}
	forbidden := append([]string{"EVIL", "access_token", "refresh_token", "device="}, row.hasNot...)
	ownToken := regexp.MustCompile(`Bearer ey[\w-]+\.ey[\w-]+\.[\w-]{86}\b`) // random letters: one had h2c in it
	lower := strings.ToLower(ownToken.ReplaceAllString(saw, "Bearer ey"))
	for _, part := range forbidden {
		if strings.Contains(lower, strings.ToLower(part)) {
			t.Errorf("the upstream got %q:\n%s", part, saw)
		}
	}
}

// reply is the final answer to a request, with everything that came.
type reply struct {
	*http.Response
	raw      string
	body     string
	bodyErr  error
	interims []http.Header // of the 1xx before it
}

// exchange sends bytes and reads one answer; with closes it reads to the end
// of the connection, where nothing more may come.
func (b *besieged) exchange(t *testing.T, as caller, send string, closes bool) *reply {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(25 * time.Second))
	// Fails when the answer comes before the end of a large request.
	_, _ = io.WriteString(conn, onWire.Replace(strings.Replace(send, "{as}", b.cookies[as], 1)))
	var raw bytes.Buffer
	br := bufio.NewReader(io.TeeReader(conn, &raw))
	method, _, _ := strings.Cut(send, " ")
	got := &reply{}
	for {
		if got.Response, err = http.ReadResponse(br, &http.Request{Method: method}); err != nil {
			t.Fatalf("no answer: %v\n%.2000s", err, raw.String())
		}
		if got.StatusCode >= 200 || got.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		got.interims = append(got.interims, got.Header)
	}
	if got.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(got.Response.Body)
		got.body, got.bodyErr = string(body), err
	}
	if closes {
		if !got.Close {
			t.Errorf("the answer does not say that the connection ends")
		}
		more, err := io.ReadAll(br)
		if ne, ok := err.(net.Error); len(more) > 0 || ok && ne.Timeout() {
			t.Errorf("the connection goes on: %v %q", err, more)
		}
	}
	got.raw = raw.String()
	return got
}

func (r *reply) checkProblem(t *testing.T, code string) {
	t.Helper()
	if code == "" {
		return
	}
	var p site.Object
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || p["code"] != code || p["status"] != float64(r.StatusCode) ||
		r.Header.Get("Content-Type") != "application/problem+json" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("no problem %s:\n%s", code, r.raw)
	}
	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"} {
		if len(r.Header[name]) != 1 {
			t.Errorf("%s: %q", name, r.Header[name])
		}
	}
}

func (r *reply) leaks(up *recorder) bool {
	text := ours.ReplaceAllString(r.raw, "")
	return strings.Contains(text, "EVIL") || strings.Contains(text, strings.TrimPrefix(up.url, "http://"))
}

// ours are random letters of our own: a request id had EVIL in it.
var ours = regexp.MustCompile(`(X-Request-Id: |"request_?[iI]d": ?"|(access|refresh)_token=ey)[\w.-]+`)
