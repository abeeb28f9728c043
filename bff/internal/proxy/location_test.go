package proxy

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

func TestLocation(t *testing.T) {
	var location string
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{location}
		w.Header()["Content-Location"] = []string{location}
		w.Header()["Link"] = []string{"<" + location + ">; rel=next"}
		w.WriteHeader(302)
	})
	host := mustURL(t, upstream).Host
	for _, tt := range []struct{ location, stripped, kept string }{
		{"/a", "/api/x/a", "/a"},
		{"/a%2Fb;c?d=e;f#g", "/api/x/a%2Fb;c?d=e;f#g", "/a%2Fb;c?d=e;f#g"},
		{"/", "/api/x/", "/"},
		{upstream, "/api/x/", "/"},
		{upstream + "/a?b", "/api/x/a?b", "/a?b"},
		{"HTTP://" + host + "/a", "/api/x/a", "/a"},
		{"//" + host + "/a", "/api/x/a", "/a"},
		{"https://" + host + "/a", "/api/x/a", "/a"}, // uvicorn and Django behind X-Forwarded-Proto: https
		{"https://user:secret@" + host + "/a", "/api/x/a", "/a"},
		{"https://" + host, "/api/x/", "/"},
		{"a", "/api/x/dir/a", "/api/x/dir/a"},
		{"../a", "/api/x/a", "/api/x/a"},
		{"../../../a", "/api/x/a", "/a"},
		{"?q=1", "/api/x/dir/page?q=1", "/api/x/dir/page?q=1"},
		{"#part", "#part", "#part"},
		{"/api/x/a", "/api/x/a", "/api/x/a"}, // from an upstream that reads X-Forwarded-Prefix
		{"https://" + host + "/api/x/a", "/api/x/a", "/api/x/a"},
		{"/api/xy", "/api/x/api/xy", "/api/xy"},
		{upstream + "//evil.example/a", "/api/x//evil.example/a", "https://gate.example//evil.example/a"},
		{"https://elsewhere.example/a", "https://elsewhere.example/a", "https://elsewhere.example/a"},
		{"//elsewhere.example/a", "//elsewhere.example/a", "//elsewhere.example/a"},
		{"https://gate.example/a", "https://gate.example/a", "https://gate.example/a"},
		{"mailto:a@b.c", "mailto:a@b.c", "mailto:a@b.c"},
		{`http:\\` + host + `\a`, "", ""},
		{"http://" + host + ":x/", "", ""},
		{`/\evil.example`, "", ""},
		{"http:" + host + "/a", "", ""}, // hosts to a browser
		{"http:/" + host + "/a", "", ""},
		{"https:///" + host + "/a", "", ""},
	} {
		location = tt.location
		for _, strip := range []bool{true, false} {
			want := tt.stripped
			g := newGate(t, upstream, func(r *route.Config) {
				if !strip {
					r.StripPrefix, want = "", tt.kept
				}
			})
			link := "<" + want + ">; rel=next"
			if want == "" {
				link = ""
			}
			res, _ := g.do(t, "GET", "/api/x/dir/page", nil)
			if h := res.Header; h.Get("Location") != want || h.Get("Content-Location") != want || h.Get("Link") != link {
				t.Errorf("strip %v: Location %q became %q, %q and %q, want %q", strip, tt.location, h.Get("Location"), h.Get("Content-Location"), h.Get("Link"), want)
			}
		}
	}
}

// Host and port decide whether a URL is on the upstream, for http and https alike.
func TestLocationsOnTheUpstreamsHostAndPort(t *testing.T) {
	for _, tt := range []struct {
		upstreams string
		inside    []string
		outside   []string
	}{
		{"http://orders:8000", []string{"http://orders:8000", "https://orders:8000", "HTTPS://ORDERS:8000", "http://orders.:8000", "//orders:8000", "https://a:b@orders:08000"},
			[]string{"http://orders", "https://orders", "https://orders:443", "http://orders:8001", "http://orders.example:8000", "http://xorders:8000", "ftp://orders:8000"}},
		{"http://orders", []string{"http://orders", "http://orders:80", "https://orders:80", "https://orders", "https://orders:443", "https://Orders.:443", "http://orders:", "//orders"},
			[]string{"http://orders:443x", "http://orders:8080", "https://orders:8443"}},
		{"https://orders", []string{"https://orders", "http://orders", "http://orders:443", "http://orders:80"}, []string{"http://orders:8080"}},
		{"h2c://orders:50051", []string{"http://orders:50051", "https://orders:50051"}, []string{"http://orders"}},
		{"http://[::1]:8000", []string{"http://[::1]:8000", "https://[0:0:0:0:0:0:0:1]:8000", "https://[0::1]:8000"}, []string{"http://[::1]", "http://[::2]:8000"}},
		{"http://127.0.0.1:8000", []string{"https://127.0.0.1:8000", "http://[::ffff:127.0.0.1]:8000"}, []string{"http://127.0.0.2:8000"}},
		{"http://one:1 https://two:2", []string{"https://one:1", "http://two:2"}, []string{"http://one:2", "http://two:1"}},
		{"http://bücher:8000", []string{"http://bücher:8000", "https://xn--bcher-kva:8000", "http://b%C3%BCcher:8000"}, []string{"http://bucher:8000"}},
	} {
		row := route.Config{Path: "/api/x", StripPrefix: "/api/x"}
		for u := range strings.FieldsSeq(tt.upstreams) {
			row.Upstreams = append(row.Upstreams, mustURL(t, u))
		}
		p := New(Options{PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}})
		ex := &exchange{proxy: p, Request: upstream.Request{Route: mustTable(t, row).Routes()[0]}, path: "/dir"}
		for _, s := range tt.inside {
			if got, ok := ex.publicLocation(s + "/a?b"); got != "/api/x/a?b" || !ok {
				t.Errorf("upstreams %s: %s/a?b became %q", tt.upstreams, s, got)
			}
		}
		for _, s := range tt.outside {
			if got, ok := ex.publicLocation(s + "/a?b"); ok && got != s+"/a?b" {
				t.Errorf("upstreams %s: %s/a?b became %q", tt.upstreams, s, got)
			}
		}
	}
	// The public origin on the upstream's machine is not the upstream.
	p := New(Options{PublicURL: &url.URL{Scheme: "https", Host: "box"}})
	ex := &exchange{proxy: p, Request: upstream.Request{Route: mustTable(t, route.Config{Path: "/api/x", StripPrefix: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://box")}}).Routes()[0]}, path: "/dir"}
	for in, want := range map[string]string{"https://box/a": "https://box/a", "https://BOX:443/a": "https://BOX:443/a", "http://box/a": "/api/x/a", "/a": "/api/x/a"} {
		if got, _ := ex.publicLocation(in); got != want {
			t.Errorf("%s became %q, want %q", in, got, want)
		}
	}
}

func TestLinkTargets(t *testing.T) {
	ex := &exchange{
		proxy: New(Options{PublicURL: &url.URL{Scheme: "https", Host: "gate.example"}}), path: "/dir/page",
		Request: upstream.Request{Route: mustTable(t, route.Config{Path: "/api/x", StripPrefix: "/api/x", Upstreams: []*url.URL{mustURL(t, "http://in:8000")}}).Routes()[0]},
	}
	for _, tt := range []struct{ in, want []string }{
		{[]string{"<https://in:8000/a?p=2>; rel=next"}, []string{"</api/x/a?p=2>; rel=next"}},
		{[]string{`<http://in:8000/a,b>; rel="next, prev"; title="a\", <http://in:8000/c>", <http://in:8000/d>;rel=last`},
			[]string{`</api/x/a,b>; rel="next, prev"; title="a\", <http://in:8000/c>", </api/x/d>;rel=last`}},
		{[]string{"<http://in:8000/a>", "< /b >;rel=prev,, ,<https://other.example/c>;rel=x"}, []string{"</api/x/a>", "</api/x/b>;rel=prev, <https://other.example/c>;rel=x"}},
		{[]string{"<?p=2>; rel=next, <#top>"}, []string{"</api/x/dir/page?p=2>; rel=next, <#top>"}},
		{[]string{"<http:in:8000/a>; rel=next, </b>"}, []string{"</api/x/b>"}},
		{[]string{"</a>; rel=next, http://in:8000/b"}, []string{"</api/x/a>; rel=next"}},
		{[]string{`</a>, </b>; title="<http://in:8000/c>`}, []string{"</api/x/a>"}},
		{[]string{"http://in:8000/a"}, nil},
		{[]string{"<http://in:8000/a"}, nil},
		{[]string{""}, nil},
	} {
		h := http.Header{"Link": slices.Clone(tt.in)}
		ex.rewriteLinks(h)
		if !slices.Equal(h["Link"], tt.want) {
			t.Errorf("%q became %q, want %q", tt.in, h["Link"], tt.want)
		}
	}
}

func TestLinksOfEarlyHintsBecomePublic(t *testing.T) {
	var self string
	upstream := upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "<"+self+"/style.css>; rel=preload")
		w.Header().Set("Trailer", "Link, Content-Location, X-Sum")
		w.WriteHeader(103)
		w.Header().Del("Link")
		w.WriteHeader(200)
		w.Header().Set("Link", "<"+self+"/next>; rel=next")
		w.Header().Set("Content-Location", self+"/here")
		w.Header().Set("X-Sum", "1")
	})
	self = strings.Replace(upstream, "http:", "https:", 1)
	g := newGate(t, upstream, nil)
	var hints http.Header
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		hints = http.Header(h)
		return nil
	}})
	r, _ := http.NewRequestWithContext(ctx, "GET", g.URL+"/api/x", nil)
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a body")
	}
	if hints.Get("Link") != "</api/x/style.css>; rel=preload" || res.Trailer.Get("Link") != "</api/x/next>; rel=next" ||
		res.Trailer.Get("Content-Location") != "/api/x/here" || res.Trailer.Get("X-Sum") != "1" {
		t.Errorf("hints %v, trailer %v", hints, res.Trailer)
	}
}
