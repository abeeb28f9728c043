package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// VaryCookie is the Vary header of every answer to a path whose row is not
// public, problems included: one browser is used by several people, one after
// the other. A copy with `max-age=300` of one person's answer was shown to the
// next who signed in within five minutes, without a request. Shared: header
// values are not changed in place.
var VaryCookie = []string{"Cookie"}

// maxVaryNames bounds the names of an upstream's Vary. An answer with more is
// not worth keeping: `*` matches no later request.
const maxVaryNames = 64

// mergeVary merges the Vary header that is already set on the answer into the
// upstream's: one line, each name once, `*` alone (RFC 9110 §12.5.5).
func mergeVary(theirs, ours http.Header) {
	if len(ours["Vary"]) == 0 || len(theirs["Vary"]) == 0 {
		return
	}
	var names []string
	for _, h := range []http.Header{theirs, ours} {
		for _, line := range h["Vary"] {
			for name := range strings.SplitSeq(line, ",") {
				name = strings.Trim(name, " \t")
				if name == "" || slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(known, name) }) {
					continue
				}
				if names = append(names, name); name == "*" || len(names) > maxVaryNames {
					delete(ours, "Vary")
					theirs["Vary"] = []string{"*"}
					return
				}
			}
		}
	}
	delete(ours, "Vary")
	theirs["Vary"] = []string{strings.Join(names, ", ")}
}

var privateByDefault = []string{"private, no-cache"} // shared: header values are not changed in place

// privateAtMost makes the answer on a member's path unfit for shared caches,
// whatever the upstream thought: its own caches know the Authorization header,
// but a cache in front of us sees the same URL for every member
// (RFC 9111 §3.5). Without an explicit freshness that a browser's cache honours
// it must be revalidated too: a cache guesses one from Last-Modified, which may
// be months, and for a path that ends in .css more than for others (web cache
// deception). reusable says whether an explicit freshness may stay.
func privateAtMost(h http.Header, reusable bool) {
	for name := range h {
		if strings.HasSuffix(name, "-Cache-Control") || name == "Edge-Control" {
			delete(h, name) // to one cache in front (RFC 9213), which obeys it rather than Cache-Control
		}
	}
	values := h["Cache-Control"]
	if len(values) == 0 && len(h["Expires"]) == 0 {
		h["Cache-Control"] = privateByDefault
		return
	}
	if len(values) == 1 && (values[0] == "no-store" || values[0] == "private, no-cache") {
		return
	}
	h["Cache-Control"] = []string{privateDirectives(values, validExpires(h["Expires"]), reusable)}
}

// varyCookieAndDest is VaryCookie for what a fetch of a page may reuse and an image
// at the same address may not.
var varyCookieAndDest = []string{"Cookie, Sec-Fetch-Dest"}

// limitReuse sets how caches may reuse an answer. An explicit freshness stays for
// what a browser keeps in its HTTP cache alone, which honours Vary: Cookie. Pages of
// one process in Chromium share images, style sheets, scripts and fonts in memory,
// where cookies are not known: within max-age the first person's image was shown to
// the next, also after a reload. What fetch asks for is not among them.
func (ex *exchange) limitReuse(theirs, ours http.Header) {
	_, set := ours["Cache-Control"]
	switch dest := ex.in.Header["Sec-Fetch-Dest"]; {
	case set:
	case ex.Route.Access == route.Public:
		if len(theirs["Set-Cookie"]) > 0 {
			privateAtMost(theirs, true)
		}
	case len(dest) == 0: // not a browser, or an old one
		privateAtMost(theirs, true)
	case len(dest) == 1 && dest[0] == "empty":
		privateAtMost(theirs, true)
		ours["Vary"] = varyCookieAndDest
	default:
		privateAtMost(theirs, false)
	}
}

// validExpires reports whether a cache can read when the answer expires. Two
// lines, or a date of another form, are invalid freshness information.
func validExpires(values []string) bool {
	if len(values) != 1 {
		return false
	}
	_, err := http.ParseTime(values[0])
	return err == nil
}

// privateDirectives rewrites Cache-Control directives for private caches.
// Malformed ones are read as strictly as they can be meant and are not passed
// on: caches differ in what they make of them (RFC 9111 §4.2.1 encourages them
// to take such an answer for stale).
func privateDirectives(values []string, expires, reusable bool) string {
	var private, noStore, noCache, mustUnderstand, malformed bool
	var maxAge string
	var others []string // in the order given, but for those above
	for _, v := range values {
		for directive := range directives(v) {
			name, arg, hasArg := strings.Cut(directive, "=")
			lower := strings.ToLower(name)
			switch {
			case directive == "":
			case !isToken(name) || hasArg && !isDirectiveArgument(arg):
				mentioned := strings.ToLower(directive)
				noStore = noStore || strings.Contains(mentioned, "no-store")
				malformed = malformed || strings.Contains(mentioned, "no-cache") || strings.Contains(mentioned, "max-age") || strings.Contains(mentioned, `"`)
			case lower == "public", lower == "s-maxage", lower == "proxy-revalidate":
			case lower == "private": // private="set-cookie" would leave the rest public
				private = private || !hasArg
			case lower == "no-store":
				noStore = true
			case lower == "no-cache" && !hasArg:
				noCache = true
			case lower == "must-understand":
				mustUnderstand = true
			case lower == "max-age":
				seconds, ok := deltaSeconds(arg)
				malformed = malformed || !ok || maxAge != "" && maxAge != seconds
				maxAge = seconds
			default:
				others = append(others, directive)
			}
		}
	}
	switch {
	case malformed, !reusable && (!noStore || mustUnderstand):
		maxAge, noCache = "", true
	case maxAge == "" && !expires && (!noStore || mustUnderstand): // a cache that understands the status ignores no-store then
		noCache = true
	}
	var b strings.Builder
	write := func(directive string) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(directive)
	}
	if private || !noStore || mustUnderstand {
		write("private")
	}
	if noStore {
		write("no-store")
	}
	if mustUnderstand {
		write("must-understand")
	}
	if noCache {
		write("no-cache")
	}
	if maxAge != "" {
		write("max-age=" + maxAge)
	}
	for _, directive := range others {
		if !noCache || !allowsStale(directive) {
			write(directive)
		}
	}
	return b.String()
}

// allowsStale reports whether a directive lets a cache use an answer that it
// would have to revalidate, or speaks of part of it only: beside no-cache some
// caches obey the one, some the other.
func allowsStale(directive string) bool {
	name, _, _ := strings.Cut(directive, "=")
	switch strings.ToLower(name) {
	case "immutable", "stale-while-revalidate", "stale-if-error", "no-cache":
		return true
	}
	return false
}

// deltaSeconds reads the argument of max-age. More than any cache counts is
// 2^31 (RFC 9111 §1.2.2).
func deltaSeconds(arg string) (string, bool) {
	const most = 1 << 31
	if arg == "" || strings.Trim(arg, "0123456789") != "" {
		return "", false
	}
	if n, err := strconv.ParseUint(arg, 10, 64); err != nil || n > most {
		return strconv.Itoa(most), true
	}
	return arg, true
}

// isDirectiveArgument reports whether arg is a token or a quoted string.
func isDirectiveArgument(arg string) bool {
	if len(arg) < 2 || arg[0] != '"' {
		return isToken(arg)
	}
	for i := 1; i < len(arg); i++ {
		switch arg[i] {
		case '\\':
			i++
		case '"':
			return i == len(arg)-1
		}
	}
	return false
}

// isToken is RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z') && !('0' <= c && c <= '9') && !strings.Contains("!#$%&'*+-.^_`|~", string(rune(c))) {
			return false
		}
	}
	return s != ""
}

// directives yields the comma-separated parts of v, quoted commas left alone.
func directives(v string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, start := false, 0
		for i := 0; i <= len(v); i++ {
			switch {
			case i < len(v) && quoted && v[i] == '\\':
				i = min(i+1, len(v)-1)
			case i < len(v) && v[i] == '"':
				quoted = !quoted
			case i == len(v) || v[i] == ',' && !quoted:
				if !yield(strings.Trim(v[start:i], " \t")) {
					return
				}
				start = i + 1
			}
		}
	}
}
