package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// A request header of one of these names never arrives as the client sent it.
// The key is the name as the laxest server reads it: lower case, and every
// byte that is no letter or digit a dash, because CGI-like gateways turn `-`,
// and some of them `_`, `.` and the rest too, into one underscore. `X_User_Id`
// is a forged X-User-Id there.
type headerRule uint8

const (
	passes   headerRule = iota
	dropped             // whatever the spelling
	plain               // passes in its canonical spelling only
	override            // replaces the method; dropped where the row restricts methods
)

var requestRules = map[string]headerRule{
	// Who is asking: ours, and in vouchingHeaders those of other gateways.
	"authorization": dropped, "proxy-authorization": dropped,
	"x-user-id": dropped, "x-user-email": dropped, "x-user-role": dropped,
	// Where it came from.
	"forwarded": dropped, "via": plain, "x-real-ip": dropped, "x-client-ip": dropped, "client-ip": dropped,
	"x-cluster-client-ip": dropped, "true-client-ip": dropped, "x-true-client-ip": dropped, "cf-connecting-ip": dropped, "cf-connecting-ipv6": dropped,
	"cf-pseudo-ipv4": dropped, "fastly-client-ip": dropped, "fly-client-ip": dropped, "do-connecting-ip": dropped, "incap-client-ip": dropped,
	"x-azure-clientip": dropped, "x-azure-socketip": dropped, "x-nf-client-connection-ip": dropped, "x-original-forwarded-for": dropped, "x-originating-ip": dropped,
	"x-sucuri-clientip": dropped, "x-proxyuser-ip": dropped, "cloudfront-viewer-address": dropped,
	"x-request-id": dropped,
	// What is asked for: these replace the path that was judged.
	"x-original-url": dropped, "x-original-uri": dropped, "x-original-host": dropped, "x-rewrite-url": dropped, "x-host": dropped, "x-script-name": dropped, "script-name": dropped,
	"x-http-method-override": override, "x-http-method": override, "x-method-override": override,
	// Framing, and what dropHopByHop has already settled under the plain name.
	"connection": plain, "upgrade": plain, "te": plain, "trailer": plain, "transfer-encoding": plain, "content-length": plain,
	"host": dropped, "keep-alive": dropped, "proxy-connection": dropped, "http2-settings": dropped, "expect": plain,
	// Known to open holes in frameworks: httpoxy (CVE-2016-5385), and the
	// sendfile mapping of Rack (CVE-2025-61780).
	"proxy": dropped, "x-sendfile-type": dropped, "x-accel-mapping": dropped,
	// Handled by value.
	"cookie": plain, "traceparent": plain, "tracestate": plain,
}

// longestRule is more than the longest name in requestRules and the longest
// prefix in droppedPrefixes have.
const longestRule = 32

func ruleFor(name string) headerRule {
	var buf [longestRule]byte
	for i := range min(len(name), len(buf)) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			c = '-'
		}
		buf[i] = c
	}
	folded := buf[:min(len(name), len(buf))]
	if len(folded) > 0 {
		for _, prefix := range droppedPrefixes[folded[0]] {
			if len(folded) >= len(prefix) && string(folded[:len(prefix)]) == prefix {
				return dropped
			}
		}
	}
	if len(name) > len(buf) {
		return passes
	}
	return requestRules[string(buf[:len(name)])]
}

// plainlySpelled reports whether name is its own canonical form with no
// separator but dashes.
func plainlySpelled(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && !('a' <= c|0x20 && c|0x20 <= 'z') && !('0' <= c && c <= '9') {
			return false
		}
	}
	return name == http.CanonicalHeaderKey(name)
}

// rewriteRequestHeader makes h what the upstream gets: first everything that a
// client could forge is taken out, then what we say is written. The hop-by-hop
// headers must be gone before, those named in the client's Connection included:
// named there, what is written here would be taken out again.
func (ex *exchange) rewriteRequestHeader(in *http.Request, h http.Header) {
	for name := range h {
		switch ruleFor(name) {
		case dropped:
			if name == "Authorization" && ex.Route.ForwardAuthorization && len(h[name]) == 1 {
				continue // two of them would be read as either
			}
			delete(h, name)
		case plain:
			if !plainlySpelled(name) {
				delete(h, name)
			}
		case override:
			if !ex.Route.AnyMethod {
				delete(h, name)
			}
		}
	}
	if _, ok := h["Cookie"]; ok {
		ex.rewriteCookie(h)
	}
	if v := h["Traceparent"]; len(v) != 1 || !validTraceparent(v[0]) {
		delete(h, "Tracestate") // belongs to the trace that ends here (W3C Trace Context §3.3)
		ex.set(h, "Traceparent", newTraceparent())
	}

	ex.set(h, "X-Forwarded-For", ex.ClientIP)
	ex.set(h, "X-Forwarded-Proto", ex.proxy.public.Scheme)
	ex.set(h, "X-Forwarded-Host", ex.proxy.public.Host)
	if prefix := ex.Route.ForwardedPrefix; prefix != nil {
		h["X-Forwarded-Prefix"] = prefix
	}
	if id := in.Header["X-Request-Id"]; len(id) > 0 {
		ex.set(h, "X-Request-Id", id[0])
	}
	if ex.Who.UserID == "" {
		return
	}
	switch ex.Route.Identity {
	case route.IdentityJWT:
		ex.set(h, "Authorization", ex.bearer)
	case route.IdentityHeaders:
		ex.set(h, "X-User-Id", ex.Who.UserID)
		ex.set(h, "X-User-Email", ex.Who.Email)
		ex.set(h, "X-User-Role", ex.Who.Role)
	case route.IdentityNone:
	}
}

func (ex *exchange) rewriteCookie(h http.Header) {
	if !ex.Route.ForwardCookies {
		delete(h, "Cookie")
		return
	}
	if kept := forwardableCookies(h["Cookie"], ex.proxy.ownCookies); kept != "" {
		ex.set(h, "Cookie", kept)
	} else {
		delete(h, "Cookie")
	}
}

// set writes a header whose value lives in the exchange, without a slice for
// each; what does not fit there gets one.
func (ex *exchange) set(h http.Header, name, value string) {
	if value == "" {
		return
	}
	i := ex.used
	if i == len(ex.values) {
		h[name] = []string{value}
		return
	}
	ex.used++
	ex.values[i] = value
	h[name] = ex.values[i : i+1 : i+1]
}

// newTraceparent begins a trace that nobody records (flags 00), so that the
// upstreams behind one request have an id in common.
func newTraceparent() string {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails
	random[0] |= 1              // all zeros is no id
	random[16] |= 1
	b := append(make([]byte, 0, 55), "00-"...)
	b = hex.AppendEncode(b, random[:16])
	b = append(b, '-')
	b = hex.AppendEncode(b, random[16:])
	return string(append(b, "-00"...))
}

// validTraceparent reports whether v has the form of W3C Trace Context §3.2.2;
// later versions may be longer.
func validTraceparent(v string) bool {
	if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || v[:2] == "ff" || v[:2] == "00" && len(v) != 55 || len(v) > 55 && v[55] != '-' {
		return false
	}
	for i := range 55 {
		if c := v[i]; i != 2 && i != 35 && i != 52 && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return strings.Trim(v[3:35], "0") != "" && strings.Trim(v[36:52], "0") != ""
}
