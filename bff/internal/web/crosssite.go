package web

import (
	"net/http"
	"net/url"
	"strings"
)

// crossSite keeps other sites out of everything under /api: every method,
// WebSocket handshakes and event streams included (SameSite cookies do not
// cover a sibling subdomain, and CORS does not cover WebSocket). Both headers
// are on the Fetch standard's forbidden list: a page cannot forge them. A
// client that sends neither is not a browser and has no ambient cookies.
type crossSite struct {
	allowed  map[string]bool // Origin values
	expected string
}

func newCrossSite(public, dev *url.URL) crossSite {
	x := crossSite{allowed: map[string]bool{}, expected: public.String()}
	for _, u := range []*url.URL{public, dev} {
		if u == nil {
			continue
		}
		x.allowed[u.String()] = true
		// One machine, three spellings: 127.0.0.1 in the address bar is not an attack.
		names := []string{"localhost", "127.0.0.1", "[::1]"}
		port := ""
		if u.Port() != "" {
			port = ":" + u.Port()
		}
		for _, n := range names {
			if strings.EqualFold(u.Host, n+port) {
				for _, other := range names {
					x.allowed[u.Scheme+"://"+other+port] = true
				}
			}
		}
	}
	return x
}

// check refuses a request that a page of another site caused.
func (x crossSite) check(h http.Header) error {
	for _, v := range h["Sec-Fetch-Site"] {
		if v != "same-origin" && v != "none" {
			return problem(codeCrossSite, "This address answers pages of "+x.expected+" only; the browser says the request is "+printable(v)+".")
		}
	}
	for _, v := range h["Origin"] {
		if v == opaqueOrigin && withheldByPolicy(h) {
			continue
		}
		if !x.allowed[v] {
			return problem(codeCrossSite, "This address answers pages of "+x.expected+" only; the request comes from "+printable(v)+". If that is this product under another name, set PUBLIC_URL to it.")
		}
	}
	return nil
}

// opaqueOrigin is what browsers write for a document without an origin, such as
// a sandboxed frame, and also for a page that sends no referrer.
const opaqueOrigin = "null"

// withheldByPolicy reports whether a page of this origin withheld its Origin. Its
// forms and beacons were refused, because the Fetch standard empties Origin under
// `no-referrer`, which pages can ask for by a <meta> or rel=noreferrer. A
// document without an origin is cross-site, and so is a request that came by way
// of another site's redirect.
func withheldByPolicy(h http.Header) bool {
	site := h["Sec-Fetch-Site"]
	return len(site) == 1 && site[0] == "same-origin"
}

// printable makes a client's text safe to repeat in a response.
func printable(s string) string {
	if len(s) > 100 {
		s = s[:100]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
