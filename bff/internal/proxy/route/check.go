package route

import (
	"net/url"
	"slices"
	"strings"
)

func (c *Config) checkPath(wrong reporter) {
	switch p := c.Path; {
	case p == "":
		wrong("missing; give a prefix such as /api/orders")
	case !within(p, "/api"):
		// The cross-site rule covers /api only: a proxied path elsewhere would be
		// open to every site that a member visits.
		wrong("%q must be /api or below it, such as /api%s", p, strings.TrimRight("/"+strings.TrimLeft(p, "/"), "/"))
	case strings.HasSuffix(p, "/"):
		wrong("%q ends in a slash; write %q, which covers everything below it too", p, strings.TrimRight(p, "/"))
	case len(p) > maxPathSize:
		wrong("longer than %d bytes; use a shorter prefix", maxPathSize)
	case strings.ContainsFunc(p, func(r rune) bool { return r != '/' && (r > 0x7f || !isUnreserved(byte(r))) }):
		// Other characters have two spellings, encoded and not.
		wrong("%q may hold letters, digits and - . _ ~ only; wildcards are not needed, a path covers everything below it", p)
	case CheckPath(p) != nil:
		wrong("%q: %v", p, CheckPath(p))
	default:
		for _, own := range Reserved {
			if within(strings.ToLower(p), own) {
				wrong("%q is reserved: %s is Gatehouse's own; choose another prefix", p, own)
			}
		}
	}
}

func (c *Config) checkUpstreams(wrong reporter) {
	if len(c.Upstreams) == 0 {
		wrong("missing; give at least one origin such as http://orders:8000")
	}
	for i, u := range c.Upstreams {
		shown := u.Redacted()
		switch {
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != SchemeH2C, u.Hostname() == "", u.Opaque != "":
			wrong("%q is not an origin; write it like http://orders:8000 (or https, or h2c for HTTP/2 without TLS)", shown)
		case u.User != nil:
			wrong("%q holds credentials, which are never sent; remove them", shown)
		case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
			wrong("%q must be an origin without path or query; the path judged is the path sent, minus strip_prefix", shown)
		case slices.ContainsFunc(c.Upstreams[:i], func(v *url.URL) bool { return Origin(v) == Origin(u) }):
			wrong("%q twice; remove one", shown)
		}
	}
}

func (c *Config) checkStripPrefix(wrong reporter) {
	if p := c.StripPrefix; p != "" && c.Path != "" && !within(c.Path, p) {
		wrong("%q is not a prefix of the path %q on a segment border; use for example %q", p, c.Path, firstSegment(c.Path))
	}
}

func (c *Config) fillAudience() {
	if c.Audience == "" {
		c.Audience = c.Path[strings.LastIndexByte(c.Path, '/')+1:]
	}
}

func (c *Config) checkAudience(wrong reporter) {
	if strings.ContainsFunc(c.Audience, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		wrong("%q may hold printable ASCII only", c.Audience)
	}
}
