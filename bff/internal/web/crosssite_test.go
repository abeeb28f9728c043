package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

func origin(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCrossSiteRule(t *testing.T) {
	const public = "https://app.example.com"
	for _, tt := range []struct {
		name   string
		public string
		dev    string
		site   []string
		origin []string
		ok     bool
	}{
		{"no browser", public, "", nil, nil, true},
		{"our page", public, "", []string{"same-origin"}, []string{public}, true},
		{"typed into the address bar", public, "", []string{"none"}, nil, true},
		{"our page, old browser", public, "", nil, []string{public}, true},
		{"another site", public, "", []string{"cross-site"}, []string{"https://evil.example"}, false},
		{"another site without Origin", public, "", []string{"cross-site"}, nil, false},
		{"sibling subdomain", public, "", []string{"same-site"}, []string{"https://blog.example.com"}, false},
		{"another site, old browser", public, "", nil, []string{"https://evil.example"}, false},
		{"sandboxed frame", public, "", nil, []string{"null"}, false},
		{"sandboxed frame, new browser", public, "", []string{"cross-site"}, []string{"null"}, false},
		{"sandboxed frame of a sibling subdomain", public, "", []string{"same-site"}, []string{"null"}, false},
		{"no page, Origin withheld", public, "", []string{"none"}, []string{"null"}, false},
		{"form of our page, which sends no referrer", public, "", []string{"same-origin"}, []string{"null"}, true},
		{"two values, one same-origin, Origin withheld", public, "", []string{"same-origin", "none"}, []string{"null"}, false},
		{"our page, Origin withheld and another", public, "", []string{"same-origin"}, []string{"null", "https://evil.example"}, false},
		{"our page, Origin withheld in other letters", public, "", []string{"same-origin"}, []string{"NULL"}, false},
		{"empty Origin", public, "", nil, []string{""}, false},
		{"plain http of our name", public, "", nil, []string{"http://app.example.com"}, false},
		{"another port", public, "", nil, []string{"https://app.example.com:8443"}, false},
		{"longer name", public, "", nil, []string{"https://app.example.com.evil.example"}, false},
		{"two origins, one ours", public, "", nil, []string{public, "https://evil.example"}, false},
		{"unknown value", public, "", []string{"Same-Origin"}, nil, false},
		{"says same-origin, is not", public, "", []string{"same-origin"}, []string{"https://evil.example"}, false},
		{"localhost as 127.0.0.1", "http://localhost:8080", "", nil, []string{"http://127.0.0.1:8080"}, true},
		{"localhost as ::1", "http://localhost:8080", "", nil, []string{"http://[::1]:8080"}, true},
		{"127.0.0.1 as localhost", "http://127.0.0.1:8080", "", nil, []string{"http://localhost:8080"}, true},
		{"::1 as 127.0.0.1", "http://[::1]:8080", "", nil, []string{"http://127.0.0.1:8080"}, true},
		{"localhost as 127.0.0.1, by https", "https://localhost:8443", "", nil, []string{"https://127.0.0.1:8443"}, true},
		{"localhost on the default port", "http://localhost", "", nil, []string{"http://127.0.0.1"}, true},
		{"localhost by another scheme", "https://localhost:8443", "", nil, []string{"http://localhost:8443"}, false},
		{"another address of this machine", "http://localhost:8080", "", nil, []string{"http://127.0.0.2:8080"}, false},
		{"localhost on another port", "http://localhost:8080", "", nil, []string{"http://localhost:3000"}, false},
		{"dev server", "http://localhost:8080", "http://localhost:5173", nil, []string{"http://localhost:5173"}, true},
		{"no dev server", "http://localhost:8080", "", nil, []string{"http://localhost:5173"}, false},
		{"localhost is not one of production's", public, "", nil, []string{"http://localhost"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var dev *url.URL
			if tt.dev != "" {
				dev = origin(t, tt.dev)
			}
			h := http.Header{}
			for _, v := range tt.site {
				h.Add("Sec-Fetch-Site", v)
			}
			for _, v := range tt.origin {
				h.Add("Origin", v)
			}
			if err := newCrossSite(origin(t, tt.public), dev).check(h); (err == nil) != tt.ok {
				t.Errorf("check = %v", err)
			}
		})
	}
}

// The refusal must name the origin that would have passed.
func TestCrossSiteRefusalNamesTheExpectedOrigin(t *testing.T) {
	x := newCrossSite(origin(t, "https://app.example.com"), nil)
	for name, h := range map[string]http.Header{
		"Origin":         {"Origin": {"http://app.example.com"}},
		"opaque Origin":  {"Origin": {"null"}},
		"Sec-Fetch-Site": {"Sec-Fetch-Site": {"cross-site"}},
	} {
		var refused *refusal.Error
		if err := x.check(h); !errors.As(err, &refused) || refused.Code != codeCrossSite || !strings.Contains(refused.Detail, "https://app.example.com") {
			t.Errorf("%s: %v, detail %+v", name, err, refused)
		}
	}
}
