package listener

import (
	"bytes"
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
		c.o.Log.Info("request refused before a handler saw it", "status", status, "reason", reason, "peer", c.RemoteAddr().String(),
			"head_bytes", all, "cookie_bytes", cookies)
	}
	if c.o.Refused != nil {
		c.o.Refused(status)
	}
	_, err := c.Conn.Write(c.o.Problem(status, c.fault))
	return err
}
