package web

import (
	"net/http"
	"net/url"
	"testing"
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
