package proxy

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

// BenchmarkForward is a whole request over a loopback connection, 1 KiB of
// JSON, with an upstream in the same process.
func BenchmarkForward(b *testing.B) {
	payload := make([]byte, 1024)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(payload)
	}))
	defer backend.Close()
	u, _ := url.Parse(backend.URL)
	table := mustTable(b, route.Config{Path: "/api/x", Upstreams: []*url.URL{u}})
	upstreams := upstream.New(upstream.Options{Now: time.Now})
	defer upstreams.Close()
	p := New(Options{
		Upstreams: upstreams,
		Mint:      func(route.Identity, string) (string, error) { return "Bearer token", nil },
		PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}, Now: time.Now, OwnCookies: ownCookies,
	})
	call := Call{Who: *ann, Caller: &caller{onError: func(_ http.ResponseWriter, err *Error) { b.Error(err, err.Cause) }}}
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, _ := route.RawPath(r)
		p.Forward(w, r, table.Decide(r.Method, path, ann), call)
	}))
	defer gate.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	for name, target := range map[string]string{"direct": backend.URL, "proxied": gate.URL} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequest("GET", target+"/api/x/a?b=c", nil)
				r.Header["Cookie"] = []string{"access_token=x; theme=dark"}
				r.Header["X-Request-Id"] = []string{"1"}
				r.Header["Accept-Language"] = []string{"en"}
				res, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

func BenchmarkRequestHeader(b *testing.B) {
	p := New(Options{PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}, OwnCookies: ownCookies})
	table := mustTable(b, route.Config{Path: "/api/x", Upstreams: up(b)})
	in := &http.Request{Header: http.Header{"X-Request-Id": {"1"}}}
	h := http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "User-Agent", "Sec-Ch-Ua", "Priority"} {
			h[name] = nil
		}
		ex := &exchange{proxy: p, Request: upstream.Request{Route: table.Routes()[0]}, Call: Call{Who: *ann, ClientIP: "192.0.2.1"}, bearer: "Bearer x"}
		ex.rewriteRequestHeader(in, h)
	}
}

func BenchmarkAnswerHeader(b *testing.B) {
	theirs := http.Header{"Content-Type": {"application/json"}, "Date": {"now"}, "Content-Length": {"2"}, "Server": {"x"}, "Etag": {`"1"`}, "Vary": {"Accept"}}
	ours := http.Header{"X-Content-Type-Options": {"nosniff"}, "X-Request-Id": {"1"}, "Content-Security-Policy": {"x"}}
	ex, h := &exchange{Request: upstream.Request{Route: mustTable(b, route.Config{Path: "/api/x", Upstreams: up(b)}).Routes()[0]}}, make(http.Header, 32)
	b.ReportAllocs()
	for b.Loop() {
		clear(h)
		maps.Copy(h, theirs)
		dropHopByHop(h)
		ex.filterResponseHeader(h, ours)
	}
}
