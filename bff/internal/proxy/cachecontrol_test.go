package proxy

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func TestPrivateAtMost(t *testing.T) {
	const date = "Tue, 01 Dec 2026 08:00:00 GMT"
	for _, tt := range []struct {
		in, expires []string
		want        string
	}{
		{nil, nil, "private, no-cache"},
		{[]string{""}, nil, "private, no-cache"},
		{[]string{" , ,"}, nil, "private, no-cache"},

		// Nothing of it is for shared caches.
		{[]string{"public, max-age=60"}, nil, "private, max-age=60"},
		{[]string{"Public", "S-MaxAge=60, max-age=5"}, nil, "private, max-age=5"},
		{[]string{"PUBLIC=1, max-age=60"}, nil, "private, max-age=60"},
		{[]string{"max-age=60, proxy-revalidate,, must-revalidate"}, nil, "private, max-age=60, must-revalidate"},
		{[]string{`private="set-cookie, x", max-age=60`}, nil, "private, max-age=60"},
		{[]string{`private="set-cookie", no-store`}, nil, "no-store"},

		// An explicit freshness stays.
		{[]string{"max-age=60"}, nil, "private, max-age=60"},
		{[]string{"MAX-AGE=60"}, nil, "private, max-age=60"},
		{[]string{"private, max-age=60"}, nil, "private, max-age=60"},
		{[]string{"max-age=60", "private"}, nil, "private, max-age=60"},
		{[]string{"max-age=60, max-age=60"}, nil, "private, max-age=60"},
		{[]string{"max-age=0, must-revalidate"}, nil, "private, max-age=0, must-revalidate"},
		{[]string{"max-age=99999999999999999999"}, nil, "private, max-age=2147483648"},
		{[]string{"max-age=60, immutable, stale-while-revalidate=5"}, nil, "private, max-age=60, immutable, stale-while-revalidate=5"},
		{[]string{`max-age=60, no-cache="set-cookie", x="a, public"`}, nil, `private, max-age=60, no-cache="set-cookie", x="a, public"`},
		{[]string{"no-store"}, nil, "no-store"},
		{[]string{"no-store, public"}, nil, "no-store"},
		{[]string{"no-store, max-age=0"}, nil, "no-store, max-age=0"},
		{[]string{"no-cache"}, nil, "private, no-cache"},
		{[]string{"No-Cache, public"}, nil, "private, no-cache"},
		{nil, []string{date}, "private"},
		{[]string{"public"}, []string{date}, "private"},

		// Without one a browser reckons its own, from Last-Modified.
		{[]string{"private"}, nil, "private, no-cache"},
		{[]string{"public"}, nil, "private, no-cache"},
		{[]string{"must-revalidate"}, nil, "private, no-cache, must-revalidate"},
		{[]string{"s-maxage=600"}, nil, "private, no-cache"},
		{[]string{"public, immutable"}, nil, "private, no-cache"},
		{[]string{"stale-while-revalidate=86400, stale-if-error=5"}, nil, "private, no-cache"},
		{[]string{`no-cache="a, public", immutable`}, nil, "private, no-cache"},
		{[]string{`no-cache=x`}, nil, "private, no-cache"},
		{[]string{"no-store, must-understand"}, nil, "private, no-store, must-understand, no-cache"},
		{[]string{"no-cache, immutable"}, nil, "private, no-cache"},

		// Nor with one that caches do not read alike.
		{[]string{"max-age=abc"}, nil, "private, no-cache"},
		{[]string{"max-age"}, nil, "private, no-cache"},
		{[]string{"max-age="}, nil, "private, no-cache"},
		{[]string{"max-age=-1"}, nil, "private, no-cache"},
		{[]string{"max-age=+5"}, nil, "private, no-cache"},
		{[]string{"max-age=1.5"}, nil, "private, no-cache"},
		{[]string{`max-age="5"`}, nil, "private, no-cache"},
		{[]string{"max-age = 60"}, nil, "private, no-cache"},
		{[]string{"max-age= 60"}, nil, "private, no-cache"},
		{[]string{"max-age=60, max-age=600"}, nil, "private, no-cache"},
		{[]string{"max-age=60", "max-age=x"}, nil, "private, no-cache"},
		{[]string{"private; max-age=3600"}, nil, "private, no-cache"},
		{[]string{"max-age=abc"}, []string{date}, "private, no-cache"},
		{[]string{`x="a, max-age=60`}, nil, "private, no-cache"},
		{[]string{`no-cache="x, no-store, max-age=60`}, nil, "no-store, no-cache"},
		{[]string{`x="a\", max-age=60, y="`}, nil, `private, no-cache, x="a\", max-age=60, y="`},
		{[]string{"no-store=1, max-age=60"}, nil, "no-store, max-age=60"},
		{[]string{"no-store; x"}, nil, "no-store"},
		{[]string{"no-cache; x, max-age=60"}, nil, "private, no-cache"},
		{nil, []string{"0"}, "private, no-cache"},
		{nil, []string{"-1"}, "private, no-cache"},
		{nil, []string{"tomorrow"}, "private, no-cache"},
		{nil, []string{date, date}, "private, no-cache"},
		{[]string{"public"}, []string{""}, "private, no-cache"},
	} {
		h := http.Header{
			"Cdn-Cache-Control": {"public"}, "Cloudflare-Cdn-Cache-Control": {"public"}, "Vercel-Cdn-Cache-Control": {"public"}, "X-Cache-Control": {"public"},
			"Edge-Control": {"public"}, "Pragma": {"public"},
		}
		if tt.in != nil {
			h["Cache-Control"] = slices.Clone(tt.in)
		}
		if tt.expires != nil {
			h["Expires"] = slices.Clone(tt.expires)
		}
		privateAtMost(h, true)
		got := strings.Join(h["Cache-Control"], "|")
		delete(h, "Cache-Control")
		delete(h, "Expires")
		if got != tt.want || len(h) != 1 {
			t.Errorf("%q, Expires %q became %q beside %v, want %q", tt.in, tt.expires, got, h, tt.want)
		}
	}
}

func TestMergeVary(t *testing.T) {
	many := strings.Repeat("a", 2)
	for i := range maxVaryNames {
		many += ", x" + strings.Repeat("y", i)
	}
	for _, tt := range []struct{ theirs, want []string }{
		{nil, []string{"Cookie"}},
		{[]string{""}, []string{"Cookie"}},
		{[]string{"Accept"}, []string{"Accept, Cookie"}},
		{[]string{"cookie"}, []string{"cookie"}},
		{[]string{"accept, COOKIE, Accept"}, []string{"accept, COOKIE"}},
		{[]string{"Accept", "Accept-Encoding,cookie"}, []string{"Accept, Accept-Encoding, cookie"}},
		{[]string{"Accept", ",, Origin"}, []string{"Accept, Origin, Cookie"}},
		{[]string{"*"}, []string{"*"}},
		{[]string{"Accept", "Origin, *"}, []string{"*"}},
		{[]string{"X-Cookie"}, []string{"X-Cookie, Cookie"}},
		{[]string{many}, []string{"*"}},
	} {
		theirs, ours := http.Header{}, http.Header{"Vary": VaryCookie}
		if tt.theirs != nil {
			theirs["Vary"] = tt.theirs
		}
		mergeVary(theirs, ours)
		addHeader(ours, theirs)
		if !slices.Equal(ours["Vary"], tt.want) {
			t.Errorf("%q became %q, want %q", tt.theirs, ours["Vary"], tt.want)
		}
	}
	if !slices.Equal(VaryCookie, []string{"Cookie"}) {
		t.Errorf("the shared value has become %q", VaryCookie)
	}
}

// One person's answer must not come out of a cache for the next: every answer
// of a row that is not public depends on the cookies, and is private.
func TestAnswersOfMembersRowsDependOnTheCookies(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=60")
		h.Set("Surrogate-Control", "max-age=60")
		h.Set("Cdn-Cache-Control", "max-age=60")
		switch r.URL.Path {
		case "/bare":
			h.Del("Cache-Control")
			h.Set("Last-Modified", "Mon, 01 Jan 2001 00:00:00 GMT")
		case "/vary":
			h.Set("Vary", "Accept")
		case "/moved":
			h.Set("Location", "/a")
			w.WriteHeader(301)
		case "/cookie":
			h.Set("Set-Cookie", "theme=dark")
		case "/304":
			w.WriteHeader(304)
		case "/206":
			h.Set("Content-Range", "bytes 0-0/2")
			w.WriteHeader(206)
		case "/500":
			w.WriteHeader(500)
		case "/events":
			h.Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, ": x\n\n")
		case "/broken":
			panic(http.ErrAbortHandler)
		}
	})
	for _, tt := range []struct{ method, path, cache, vary string }{
		{"GET", "/", "private, max-age=60", "Cookie"}, {"HEAD", "/", "private, max-age=60", "Cookie"}, {"POST", "/", "private, max-age=60", "Cookie"},
		{"GET", "/bare", "private, no-cache", "Cookie"}, {"GET", "/vary", "private, max-age=60", "Accept, Cookie"}, {"GET", "/moved", "private, max-age=60", "Cookie"},
		{"GET", "/cookie", "private, max-age=60", "Cookie"}, {"GET", "/304", "private, max-age=60", "Cookie"}, {"GET", "/206", "private, max-age=60", "Cookie"},
		{"GET", "/500", "private, max-age=60", "Cookie"}, {"GET", "/events", "private, max-age=60", "Cookie"}, {"POST", "/broken", "", "Cookie"},
	} {
		for _, access := range []route.Access{route.Member, route.Optional, route.Public} {
			for _, who := range []*route.Identity{ann, nil} {
				if access == route.Member && who == nil {
					continue
				}
				g := newGate(t, upstream, func(r *route.Config) { r.Access, r.ForwardCookies = access, true })
				g.who = who
				cache, vary := tt.cache, tt.vary
				if access == route.Public {
					vary = strings.TrimSuffix(strings.TrimSuffix(vary, "Cookie"), ", ")
					switch tt.path {
					case "/bare":
						cache = ""
					case "/cookie", "/broken":
					default:
						cache = "public, max-age=60"
					}
				}
				res, _ := g.do(t, tt.method, "/api/x"+tt.path, nil)
				if got := res.Header; got.Get("Cache-Control") != cache || strings.Join(got["Vary"], "|") != vary ||
					got["Surrogate-Control"] != nil || access != route.Public && got["Cdn-Cache-Control"] != nil {
					t.Errorf("access %v, %s %s: %d %v, want Cache-Control %q, Vary %q", access, tt.method, tt.path, res.StatusCode, got, cache, vary)
				}
			}
		}
	}
}

// Chromium keeps images, style sheets and scripts in the memory of a process, where
// it does not compare cookies: with max-age the first person's image was shown to
// the next who signed in in the same tab, also after a reload.
func TestOnlyFetchReusesAnswersOfMembersRows(t *testing.T) {
	upstream := upstreamFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/expires" {
			w.Header().Set("Expires", "Fri, 01 Dec 2099 08:00:00 GMT")
		} else {
			w.Header().Set("Cache-Control", r.URL.Path[1:])
		}
	})
	const both = "Cookie, Sec-Fetch-Dest"
	for _, tt := range []struct {
		dest              []string
		path, cache, vary string
	}{
		{nil, "/max-age=300", "private, max-age=300", "Cookie"},
		{[]string{"empty"}, "/max-age=300", "private, max-age=300", both},
		{[]string{"empty"}, "/max-age=300,no-transform", "private, max-age=300, no-transform", both},
		{[]string{"empty"}, "/expires", "private", both},
		{[]string{"empty"}, "/private", "private, no-cache", both},
		{[]string{"empty"}, "/no-store", "no-store", both},
		{[]string{"image"}, "/max-age=300", "private, no-cache", "Cookie"},
		{[]string{"image"}, "/public,max-age=300,immutable", "private, no-cache", "Cookie"},
		{[]string{"image"}, "/max-age=0,stale-while-revalidate=300", "private, no-cache", "Cookie"},
		{[]string{"image"}, "/no-store,max-age=300", "no-store, max-age=300", "Cookie"},
		{[]string{"image"}, "/no-store,must-understand,max-age=300", "private, no-store, must-understand, no-cache", "Cookie"},
		{[]string{"style"}, "/expires", "private, no-cache", "Cookie"},
		{[]string{"script"}, "/max-age=300,must-revalidate", "private, no-cache, must-revalidate", "Cookie"},
		{[]string{"document"}, "/max-age=300", "private, no-cache", "Cookie"},
		{[]string{""}, "/max-age=300", "private, no-cache", "Cookie"},
		{[]string{"empty", "image"}, "/max-age=300", "private, no-cache", "Cookie"},
	} {
		for _, access := range []route.Access{route.Member, route.Optional, route.Public} {
			g := newGate(t, upstream, func(r *route.Config) { r.Access = access })
			var header []string
			for _, dest := range tt.dest {
				header = append(header, "Sec-Fetch-Dest", dest)
			}
			res, _ := g.do(t, "GET", "/api/x"+tt.path, nil, header...)
			cache, vary := tt.cache, tt.vary
			if access == route.Public {
				if cache, vary = tt.path[1:], ""; tt.path == "/expires" {
					cache = ""
				}
			}
			if got := res.Header; got.Get("Cache-Control") != cache || strings.Join(got["Vary"], "|") != vary {
				t.Errorf("access %v, Sec-Fetch-Dest %q, %s: Cache-Control %q, Vary %q, want %q and %q", access, tt.dest, tt.path, got.Get("Cache-Control"), got["Vary"], cache, vary)
			}
		}
	}
}
