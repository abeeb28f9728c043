package listener

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strconv"
)

// tlsHandshake is the first byte of a TLS connection. No method begins with it.
const tlsHandshake = 0x16

var cookieName = []byte("Cookie")

// isProxyProtocol knows the first line of version 1 that has something in it, and
// the one of version 2.
func isProxyProtocol(line []byte) bool {
	return bytes.HasPrefix(line, []byte("PROXY TCP4 ")) || bytes.HasPrefix(line, []byte("PROXY TCP6 ")) ||
		bytes.HasPrefix(line, []byte("PROXY UNKNOWN")) || string(line) == "\x00"
}

// headSize gives the bytes of the head that is being read, and how many of them
// are cookies.
func (f *framing) headSize() (all, cookies int) {
	all, cookies = f.headBytes, f.cookieBytes
	if f.inHead() {
		all += f.line.size
		if name, _, _ := bytes.Cut(f.line.start[:min(f.line.size, maxLineStart)], []byte(":")); bytes.EqualFold(name, cookieName) {
			cookies += f.line.size
		}
	}
	return all, cookies
}

// plainHead is what all answers have in common that net/http gives by itself,
// each in one piece, to heads that it cannot read. An answer of a handler has
// a Date at least.
const plainHead = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// refusalOfNetHTTP recognises such an answer. reason is net/http's own words,
// such as "400 Bad Request: missing required Host header".
func refusalOfNetHTTP(p []byte) (status int, reason string, ok bool) {
	end := bytes.IndexByte(p, '\r')
	if end < len("HTTP/1.1 400") || !bytes.HasPrefix(p[end:], []byte(plainHead)) {
		return 0, "", false
	}
	reason = string(p[len("HTTP/1.1 "):end])
	status, err := strconv.Atoi(reason[:3])
	return status, reason, err == nil
}

// refuse answers a request that no handler has seen, and says so once: in the
// log, unless that has the fault already, and to the metrics.
func (c *framedConn) refuse(status int, reason string) error {
	if c.fault == nil {
		all, cookies := c.framing.headSize()
		c.log.Info("request refused before a handler saw it", "status", status, "reason", reason, "peer", c.RemoteAddr().String(),
			"head_bytes", all, "cookie_bytes", cookies)
	}
	if c.refused != nil {
		c.refused(status)
	}
	_, err := c.Conn.Write(problemFor(status, c.fault))
	return err
}

// problemFor has the form that all of our answers have.
func problemFor(status int, fault error) []byte {
	code, title := "malformed_request", "The request could not be read"
	var detail string
	switch status {
	case http.StatusRequestTimeout:
		code, title = "request_timeout", "The request stopped coming"
		detail = "Its header did not arrive in time."
	case http.StatusRequestHeaderFieldsTooLarge:
		code, title = "header_too_large", "The request's header is too large"
		detail = "At most 64 KiB are read. It is mostly cookies: delete those of this site in the browser, or send fewer and shorter headers."
	case http.StatusNotImplemented:
		detail = "Of transfer encodings only chunked is supported."
	case http.StatusHTTPVersionNotSupported:
		detail = "Send HTTP/1.1."
	case http.StatusExpectationFailed:
		detail = "Of expectations only 100-continue can be met."
	default:
		detail = "It is not well-formed HTTP/1.1, or could be read in two ways"
		if fault != nil {
			detail += " (" + fault.Error() + ")"
		}
		detail += "."
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nConnection: close\r\nCache-Control: no-store\r\n"+
		"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n"+
		"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n\r\n"+
		`{"type":"urn:gatehouse:problem:%s","title":%q,"status":%d,"detail":%q,"code":%q}`,
		status, cmp.Or(http.StatusText(status), "Refused"), code, title, status, detail, code)
}
