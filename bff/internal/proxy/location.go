package proxy

import (
	"net/http"
	"net/url"
	"strings"
)

// rewriteLocation turns a Location (or Content-Location, RFC 9110 §10.2.2 and
// §8.7) on the upstream's own origin into the public path. Without it a
// redirect would send the browser to an address inside the network, or to a
// path that lacks the prefix which was cut off.
func (ex *exchange) rewriteLocation(h http.Header, name string) {
	values, ok := h[name]
	if !ok {
		return
	}
	if len(values) != 1 {
		delete(h, name) // recipients disagree on which one counts
		return
	}
	public, ok := ex.publicLocation(values[0])
	if !ok {
		delete(h, name)
		return
	}
	values[0] = public
}

// publicLocation reports false for what cannot be parsed: browsers are more
// lenient than we are, so it may name an internal address all the same.
func (ex *exchange) publicLocation(location string) (string, bool) {
	ref, err := url.Parse(location)
	if err != nil || strings.ContainsRune(location, '\\') {
		return "", false
	}
	if ref.Scheme != "" && ref.Opaque != "" {
		return location, true // mailto: and the like
	}
	// A relative reference means something else below the public path when
	// it climbs with dots, so it is resolved where it was written.
	base := url.URL{Scheme: urlScheme(ex.upstream.scheme), Host: ex.upstream.host, Path: ex.path}
	if decoded, err := url.PathUnescape(ex.path); err == nil {
		base.Path, base.RawPath = decoded, ex.path
	}
	target := base.ResolveReference(ref)
	if !ex.route.servedFrom(origin(target)) {
		return location, true
	}
	path := target.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	path = ex.route.StripPrefix + path
	var b strings.Builder
	if strings.HasPrefix(path, "//") {
		// Read as "another host" when it stands alone.
		b.WriteString(ex.proxy.publicOrigin)
	}
	b.WriteString(path)
	if target.ForceQuery || target.RawQuery != "" {
		b.WriteString("?" + target.RawQuery)
	}
	if target.Fragment != "" {
		b.WriteString("#" + target.EscapedFragment())
	}
	return b.String(), true
}

func (rt *route) servedFrom(origin string) bool {
	for _, u := range rt.upstreams {
		if u.origin == origin {
			return true
		}
	}
	return false
}
