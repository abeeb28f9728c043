package proxy

import "strings"

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
// as `Cookie: access_token=x` (RFC 6265bis §5.7).
func acceptableCookies(headers []string, own []string) []string {
	kept := headers[:0]
	for _, header := range headers {
		pair, _, _ := strings.Cut(header, ";")
		name, _, found := strings.Cut(pair, "=")
		if found && strings.Trim(name, " \t\"") != "" && !isOwn(name, own) && strings.IndexFunc(header, isControl) < 0 {
			kept = append(kept, header)
		}
	}
	return kept
}

func isControl(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }
