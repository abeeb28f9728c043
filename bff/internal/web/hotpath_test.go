package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest/fake"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/clientaddr"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/pages"
)

// hotPath is the way of a proxied request through this package: everything but
// the connection before it and the forwarding behind it.
type hotPath struct {
	server  *Server
	request *http.Request
	answer  answer
}

// answer is a ResponseWriter that keeps nothing.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return len(p), nil }

const forwardedRow = "/api/orders"

// emptyApp has a page and no files.
func emptyApp(tb testing.TB) *pages.Files {
	tb.Helper()
	app, err := pages.NewFiles(fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, CheckPagePath)
	if err != nil {
		tb.Fatal(err)
	}
	return app
}

// newHotPath sends a request to a row with this access, as a browser with a session
// does.
func newHotPath(tb testing.TB, access route.Access) *hotPath {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := token.New(token.Config{
		Issuer: "https://gate.example", AccessKeys: [][]byte{[]byte("access key for tests, thirty-two bytes")},
		RefreshKeys: [][]byte{[]byte("refresh key for tests, thirty-two bytes")}, IdentityKeys: []*ecdsa.PrivateKey{key},
	})
	if err != nil {
		tb.Fatal(err)
	}
	log, audit := slog.New(slog.NewJSONHandler(io.Discard, nil)), &fake.Audit{}
	sessions, err := filestore.Open(filestore.Config{Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	service := auth.New(auth.Deps{
		Users: fake.NewUsers(audit), Sessions: sessions, Revocations: sessions, Audit: audit,
		Tokens: tokens, Policy: session.Policy{AccessTTL: time.Hour}, Now: time.Now, Log: log,
	})
	upstream, public := &url.URL{Scheme: "http", Host: "127.0.0.1:9"}, &url.URL{Scheme: "https", Host: "gate.example"}
	table, err := route.NewTable(route.Config{Path: forwardedRow, Access: access, Upstreams: []*url.URL{upstream}})
	if err != nil {
		tb.Fatal(err)
	}
	s := New(Options{
		Auth: service, Table: func() *route.Table { return table }, PublicURL: public, Pages: emptyApp(tb), Clients: clientaddr.New(nil, log), Now: time.Now, Log: log,
		Observe: Observer{Answered: func(string, string, int, time.Duration, bool) {}},
	})
	s.forward = func(w http.ResponseWriter, _ *http.Request, _ route.Decision, _ proxy.Call) {
		w.WriteHeader(http.StatusOK)
	}
	now := time.Now().Truncate(time.Second)
	sent, err := tokens.MintAccess(token.Access{
		UserID: rand.Text(), SessionID: rand.Text(), Generation: 1, Role: "user", Email: "ada@example.com",
		IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		tb.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, forwardedRow+"/4711/items?page=2", nil)
	for name, value := range map[string]string{
		"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Accept": "application/json",
		"Accept-Language": "en", "Accept-Encoding": "gzip, deflate, br, zstd", "Referer": "https://gate.example/dashboard",
		"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin",
		"Cookie": "theme=dark; __Host-access_token=" + sent + "; __Host-refresh_token=" + sent + "; __Host-device=" + rand.Text(),
	} {
		r.Header.Set(name, value)
	}
	return &hotPath{server: s, request: r, answer: answer{header: http.Header{}}}
}

func (p *hotPath) serve(tb testing.TB) {
	clear(p.answer.header)
	delete(p.request.Header, headerRequestID) // browsers send none
	p.answer.status = 0
	p.server.ServeHTTP(&p.answer, p.request)
	if p.answer.status != http.StatusOK || len(p.answer.header) != 9 {
		tb.Fatalf("%d %v", p.answer.status, p.answer.header)
	}
}

// authenticate is the part that is not this package's.
func (p *hotPath) authenticate(tb testing.TB, sent presented) {
	if _, err := p.server.sessions.Authenticate(p.request.Context(), sent.access, sent.refresh); err != nil {
		tb.Fatal(err)
	}
}

// The last two are parts of the second; the first of them is not this package's.
func BenchmarkProxiedRequest(b *testing.B) {
	public, member := newHotPath(b, route.Public), newHotPath(b, route.Member)
	sent := member.server.cookies.read(member.request)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"public", func() { public.serve(b) }},
		{"member", func() { member.serve(b) }},
		{"authenticate", func() { member.authenticate(b, sent) }},
		{"cookies", func() { _ = member.server.cookies.read(member.request) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
}
