package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// cookieJar writes and reads our cookies. No other code does, so that setting and
// clearing cannot drift apart (a cookie is cleared only with the attributes that
// set it).
//
// On https the __Host- prefix makes the browser itself refuse a cookie that a
// sibling subdomain planted (RFC 6265bis §4.1.3.2).
type cookieJar struct {
	secure                  bool
	access, refresh, device string
}

const deviceMaxAge = 365 * 24 * time.Hour

func newCookieJar(secure bool) cookieJar {
	prefix := ""
	if secure {
		prefix = "__Host-"
	}
	return cookieJar{secure: secure, access: prefix + "access_token", refresh: prefix + "refresh_token", device: prefix + "device"}
}

// OwnCookieNames lists our cookies under http and https. Upstreams must neither get
// nor set them.
func OwnCookieNames() []string {
	var names []string
	for _, jar := range []cookieJar{newCookieJar(false), newCookieJar(true)} {
		names = append(names, jar.access, jar.refresh, jar.device)
	}
	return names
}

// presented are our cookies in a request.
type presented struct {
	access, refresh, device string
	session                 bool     // a session cookie came, of any value
	doubled                 []string // names that came more than once
}

// none reports that the request has no session, and no cookie to clear.
func (p presented) none() bool { return !p.session }

// read collects our cookies. Two of one name mean that an attacker planted one (a
// sibling subdomain, a plain-http response). They cannot be told apart, so neither
// counts.
func (j cookieJar) read(r *http.Request) presented {
	var access, refresh, device came
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			// net/http skips cookies that it cannot parse: a planted malformed
			// twin went unnoticed.
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(pair, "=")
			switch strings.Trim(name, " \t") {
			case j.access:
				access.note(value)
			case j.refresh:
				refresh.note(value)
			case j.device:
				device.note(value)
			}
		}
	}
	p := presented{access: access.once(), refresh: refresh.once(), device: device.once(), session: access.times+refresh.times > 0}
	for _, slot := range [...]struct {
		name  string
		times int
	}{{j.access, access.times}, {j.refresh, refresh.times}, {j.device, device.times}} {
		if slot.times > 1 {
			p.doubled = append(p.doubled, slot.name)
		}
	}
	return p
}

// came counts one of our cookies in a request, and keeps its value.
type came struct {
	value string
	times int
}

func (c *came) note(value string) { c.value, c.times = strings.Trim(value, " \t"), c.times+1 }

// once is the value of a cookie that came no more than once.
func (c came) once() string {
	if c.times > 1 {
		return ""
	}
	return c.value
}

// set adds a new pair. Without "remember me" the cookies have no Max-Age and
// end with the browser.
func (j cookieJar) set(h http.Header, c *session.Cookies) {
	j.write(h, j.access, c.Access, c.MaxAge)
	j.write(h, j.refresh, c.Refresh, c.MaxAge)
}

func (j cookieJar) setDevice(h http.Header, mark string) { j.write(h, j.device, mark, deviceMaxAge) }

// clear removes the session's cookies; the device cookie stays.
func (j cookieJar) clear(h http.Header) { j.clearNames(h, j.access, j.refresh) }

func (j cookieJar) clearNames(h http.Header, names ...string) {
	for _, name := range names {
		j.write(h, name, "", -1)
	}
}

func (j cookieJar) write(h http.Header, name, value string, maxAge time.Duration) {
	c := http.Cookie{
		Name: name, Value: value, Path: "/",
		HttpOnly: true, Secure: j.secure, SameSite: http.SameSiteStrictMode,
	}
	switch {
	case maxAge < 0:
		c.MaxAge = -1
	case maxAge > 0:
		c.MaxAge = int(maxAge / time.Second)
	}
	// One line per name (RFC 6265 §4.1.1): a later decision replaces an
	// earlier one of the same request.
	h["Set-Cookie"] = append(slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, name+"=")
	}), c.String())
}
