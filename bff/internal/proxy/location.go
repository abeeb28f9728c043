package proxy

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// rewriteLocation turns a Location (or Content-Location, RFC 9110 §10.2.2 and
// §8.7) on the upstream's own host and port into the public path. Without it a
// redirect would send the browser to an address inside the network, or to a
// path that lacks the prefix which was cut off.
func (ex *exchange) rewriteLocation(h http.Header, name string) {
	values := h[name]
	if len(values) == 0 {
		return // a trailer that is announced and has not come
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

// rewriteLinks does the same to each target of a Link header (RFC 8288 §3). A
// target that cannot be parsed is left out, and what follows a syntax error in
// its line with it.
func (ex *exchange) rewriteLinks(h http.Header) {
	values := h["Link"]
	if len(values) == 0 {
		return
	}
	kept := values[:0]
	for _, line := range values {
		var b strings.Builder
		for rest := line; ; {
			target, params, after, ok := cutLink(rest)
			if !ok {
				break
			}
			if public, ok := ex.publicLocation(target); ok {
				if b.Len() > 0 {
					b.WriteString(", ")
				}
				b.WriteString("<" + public + ">" + params)
			}
			rest = after
		}
		if b.Len() > 0 {
			kept = append(kept, b.String())
		}
	}
	if len(kept) == 0 {
		delete(h, "Link")
		return
	}
	h["Link"] = kept
}

// cutLink cuts the first link-value off a list: its target and its parameters
// as they are written. Commas may stand in the target and in quoted parameters.
func cutLink(list string) (target, params, rest string, ok bool) {
	list = strings.TrimLeft(list, ", \t")
	end := strings.IndexByte(list, '>')
	if end < 0 || list[0] != '<' {
		return "", "", "", false
	}
	target, list = strings.Trim(list[1:end], " \t"), list[end+1:]
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return target, strings.TrimRight(list[:i], " \t"), list[i+1:], true
		}
	}
	return target, strings.TrimRight(list, " \t"), "", !quoted
}

// publicLocation reports false for what cannot be parsed: browsers are more
// lenient than we are, so it may name an internal address all the same.
func (ex *exchange) publicLocation(location string) (string, bool) {
	ref, err := url.Parse(location)
	if err != nil || strings.ContainsRune(location, '\\') {
		return "", false
	}
	switch {
	case ref.Scheme == "http" || ref.Scheme == "https":
		if ref.Host == "" { // http:host/a, http:/host/a, http:///host/a: a host to browsers
			return "", false
		}
	case ref.Scheme != "":
		return location, true // mailto: and the like
	case ref.Host == "" && ref.Path == "" && ref.RawQuery == "" && !ref.ForceQuery:
		return location, true // the same document
	}
	// A relative reference means something else below the public path when
	// it climbs with dots, so it is resolved where it was written. Any of the
	// row's upstreams will do: each of them counts as the same server.
	up := ex.Route.Upstreams[0]
	base := url.URL{Scheme: route.URLScheme(strings.ToLower(up.Scheme)), Host: up.Host, Path: ex.path}
	if decoded, err := url.PathUnescape(ex.path); err == nil {
		base.Path, base.RawPath = decoded, ex.path
	}
	target := base.ResolveReference(ref)
	if !servedFrom(ex.Route, target) || ref.Host != "" && ex.proxy.isPublicOrigin(target) {
		return location, true
	}
	path := target.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	path = publicPath(ex.Route, path)
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

// publicPath puts the prefix that was cut off in front of a path of the
// upstream's. A path that is the row's already comes from an upstream that
// has read X-Forwarded-Prefix.
func publicPath(rt *route.Route, path string) string {
	if rt.StripPrefix == "" || rt.Covers(path) {
		return path
	}
	return rt.StripPrefix + path
}

// servedFrom reports whether u is on the host and port of one of the row's
// upstreams. The scheme does not matter: a server that hears http and reads
// X-Forwarded-Proto writes https in front of its own Host, and then the default
// port of the one stands for that of the other.
func servedFrom(rt *route.Route, u *url.URL) bool {
	host, port, usual := hostAndPort(u)
	for _, up := range rt.Upstreams {
		if h, p, also := hostAndPort(up); h == host && (p == port || also && usual) {
			return true
		}
	}
	return false
}

// isPublicOrigin reports whether browsers reach us at u: on one machine with
// the default ports that may look like the upstream.
func (p *Proxy) isPublicOrigin(u *url.URL) bool {
	public, err := url.Parse(p.publicOrigin)
	return err == nil && route.Origin(public) == route.Origin(u)
}

// hostAndPort returns the host in one spelling and the port; usual says that
// it is the default one of the scheme.
func hostAndPort(u *url.URL) (host, port string, usual bool) {
	byDefault := map[string]string{"http": "80", "https": "443"}[route.URLScheme(strings.ToLower(u.Scheme))]
	port = strings.TrimLeft(u.Port(), "0")
	if port == "" {
		port = byDefault
	}
	host = strings.TrimSuffix(u.Hostname(), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	} else if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.ToLower(host), port, port == byDefault
}
