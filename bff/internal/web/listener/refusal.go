package listener

import (
	"bytes"
	"strconv"
)

// tlsHandshake is the first byte of a TLS connection. No method begins with it.
const tlsHandshake = 0x16

var cookieName = []byte("Cookie")

// isProxyProtocol recognises the first line of the PROXY protocol: of version 1
// its text, of version 2 its first line that is not empty.
func isProxyProtocol(line []byte) bool {
	return bytes.HasPrefix(line, []byte("PROXY TCP4 ")) || bytes.HasPrefix(line, []byte("PROXY TCP6 ")) ||
		bytes.HasPrefix(line, []byte("PROXY UNKNOWN")) || string(line) == "\x00"
}

// headSize returns the bytes of the current head so far, and how many of them are
// cookies.
func (k *checker) headSize() (all, cookies int) {
	all, cookies = k.headBytes, k.cookieBytes
	if k.inHead() {
		all += k.line.size
		if name, _, _ := bytes.Cut(k.line.start[:min(k.line.size, maxLineStart)], []byte(":")); bytes.EqualFold(name, cookieName) {
			cookies += k.line.size
		}
	}
	return all, cookies
}

// plainHead is common to all responses that net/http writes by itself, each in
// one piece, to heads that it cannot read. A handler's response has at least a
// Date.
const plainHead = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// refusalOfNetHTTP recognises such a response. reason is net/http's text, such as
// "400 Bad Request: missing required Host header".
func refusalOfNetHTTP(p []byte) (status int, reason string, ok bool) {
	end := bytes.IndexByte(p, '\r')
	if end < len("HTTP/1.1 400") || !bytes.HasPrefix(p[end:], []byte(plainHead)) {
		return 0, "", false
	}
	reason = string(p[len("HTTP/1.1 "):end])
	status, err := strconv.Atoi(reason[:3])
	return status, reason, err == nil
}

// refuse answers a request that no handler has seen, logs it unless the log has
// its fault already, and counts it.
func (c *checkedConn) refuse(status int, reason string) error {
	if c.fault == nil {
		all, cookies := c.checker.headSize()
		c.o.Log.Info("request refused before a handler saw it", "status", status, "reason", reason, "peer", c.RemoteAddr().String(),
			"head_bytes", all, "cookie_bytes", cookies)
	}
	if c.o.Refused != nil {
		c.o.Refused(status)
	}
	_, err := c.Conn.Write(c.o.Problem(status, c.fault))
	return err
}
