package proxy

import (
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// forwardableCookies joins the client's Cookie headers without our own.
//
// Servers disagree on where a cookie ends: RFC 6265 cuts at semicolons, older
// parsers at commas and honour quotes. Ours must not arrive under any of those
// readings, so a pair is dropped when any piece of it, cut at either, bears
// one of our names; everything else passes byte for byte.
func forwardableCookies(headers []string, own []string) string {
	if len(headers) == 1 && !containsAny(headers[0], own) {
		return headers[0]
	}
	var b strings.Builder
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			pair = strings.Trim(pair, " \t")
			if pair == "" || bearsOwnName(pair, own) {
				continue
			}
			if b.Len() > 0 {
				b.WriteString("; ")
			}
			b.WriteString(pair)
		}
	}
	return b.String()
}

func containsAny(s string, names []string) bool {
	for _, name := range names {
		if strings.Contains(s, name) {
			return true
		}
	}
	return false
}

func bearsOwnName(pair string, own []string) bool {
	for piece := range strings.SplitSeq(pair, ",") {
		name, _, _ := strings.Cut(piece, "=")
		if isOwn(name, own) {
			return true
		}
	}
	return false
}

func isOwn(name string, own []string) bool {
	name = strings.Trim(name, " \t\"")
	for _, o := range own {
		if name == o { // cookie names are case-sensitive
			return true
		}
	}
	return false
}

// acceptableCookies filters an upstream's Set-Cookie headers in place: never
// one of ours, which would be session fixation (a browser cannot tell who set
// a cookie), and no nameless ones: `Set-Cookie: =access_token=x` is sent back
// as `Cookie: access_token=x` (RFC 6265bis §5.7). What passes is for the
// public address instead of the upstream's.
func acceptableCookies(rt *route.Route, headers []string, own []string) []string {
	kept := headers[:0]
	for _, header := range headers {
		pair, attributes, _ := strings.Cut(header, ";")
		name, _, found := strings.Cut(pair, "=")
		name = strings.Trim(name, " \t\"")
		if found && name != "" && !resemblesOwn(name, own) && strings.IndexFunc(header, isControl) < 0 {
			kept = append(kept, pair+publicAttributes(rt, name, attributes))
		}
	}
	return kept
}

// namePrefixes make browsers demand attributes of a cookie (RFC 6265bis §4.1.3),
// in any case.
var namePrefixes = []string{"__host-http-", "__host-", "__secure-", "__http-"}

// resemblesOwn reports whether a cookie's name is one of ours but for case and
// prefixes: __Secure-access_token and __HOST-Device can be taken for ours by
// whoever reads a list of cookies, our own app included.
func resemblesOwn(name string, own []string) bool {
	name = trimNamePrefixes(name)
	for _, o := range own {
		if name == trimNamePrefixes(o) {
			return true
		}
	}
	return false
}

func trimNamePrefixes(name string) string {
	name = strings.ToLower(name)
	for i := 0; i < len(namePrefixes); i++ {
		if rest, ok := strings.CutPrefix(name, namePrefixes[i]); ok {
			name, i = rest, -1
		}
	}
	return name
}

// publicAttributes maps the attributes of a cookie: a Domain of the upstream's
// network is not that of the site, and made browsers drop the cookie; Path
// lacks the prefix that was cut off. Of a Path that comes twice browsers take
// the last (RFC 6265bis §5.6). __Host- cookies need `Path=/`.
func publicAttributes(rt *route.Route, name, attributes string) string {
	if attributes == "" {
		return ""
	}
	var b strings.Builder
	path := ""
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		switch strings.ToLower(strings.Trim(key, " \t")) {
		case "domain":
		case "path":
			path = attribute
			if value = strings.Trim(value, " \t"); strings.HasPrefix(value, "/") && !strings.HasPrefix(strings.ToLower(name), "__host-") {
				path = " Path=" + publicCookiePath(rt, value)
			}
		default:
			b.WriteString(";" + attribute)
		}
	}
	if path != "" {
		b.WriteString(";" + path)
	}
	return b.String()
}

// publicCookiePath is publicPath, for what is `/` to the upstream without the
// slash: `/api/x/` would not cover /api/x, which is the row's, too.
func publicCookiePath(rt *route.Route, path string) string {
	if path == "/" && rt.StripPrefix != "" {
		return rt.StripPrefix
	}
	return publicPath(rt, path)
}

func isControl(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }
