package listener

import (
	"bytes"
	"errors"
	"strconv"
)

// Faults, for which a request is refused before a handler reads it. Two servers
// in a row that disagree on where a request ends let an attacker put a request of
// his own in front of the next user's (RFC 9112 §11.2). net/http is lenient: with
// both lengths it drops Content-Length and keeps the connection, it joins folded
// lines, accepts bare line feeds, and ignores Transfer-Encoding in HTTP/1.0, all
// before a handler could see it.
var (
	errBothLengths = errors.New("Content-Length and Transfer-Encoding at once")
	errLength      = errors.New("Content-Length is repeated or not a number")
	errCoding      = errors.New("Transfer-Encoding is repeated, does not end in chunked, or is older than HTTP/1.1")
	errLineEnd     = errors.New("a line ends in a bare line feed, or has a carriage return in it")
	errFolded      = errors.New("a header line is folded")
	errNoField     = errors.New("a header line has no name, or a space before its colon")
	errChunk       = errors.New("a chunk is malformed")
	// Not about length, but net/http waits without a deadline for the body of a
	// request that it has refused for its expectation.
	errExpectation = errors.New("the expectation is not 100-continue")
	// Other protocols. The operator needs their names to find the mistake.
	errTLS           = errors.New("it is TLS, and this port speaks plain HTTP: use http://, or end TLS in front of it")
	errProxyProtocol = errors.New("it begins with the PROXY protocol: switch that off in the proxy in front, which is to send X-Forwarded-For")
)

// checker parses the framing of the requests on one HTTP/1 connection byte by
// byte (RFC 9112 §6, §7.1). It buffers nothing and changes nothing. It is never
// more lenient than net/http: a request that both accept ends at the same byte for
// both, as a fuzz test checks.
type checker struct {
	state     checkerState
	remaining uint64 // bytes of a body or chunk to come
	ended     int64  // requests, whole
	heads     int64  // heads of requests, whole
	line      lineSample

	// Of the current head.
	headBytes, cookieBytes int // so far, without the current line
	length                 uint64
	measured, coded        bool // Content-Length, Transfer-Encoding seen
	current                bool // HTTP/1.1
}

type checkerState uint8

const (
	inRequestLine checkerState = iota
	inHeader
	inBody
	inChunkSize
	inChunk
	afterChunk
	inTrailer
)

// checkBytes takes the next bytes of the connection. With an error only the first
// n of them may be passed on: never the last byte of the fault, so that a reader
// behind it cannot take the message for complete.
func (k *checker) checkBytes(p []byte) (n int, err error) {
	for n < len(p) {
		if k.state == inBody || k.state == inChunk {
			size := min(uint64(len(p)-n), k.remaining)
			k.remaining -= size
			n += int(size)
			switch {
			case k.remaining > 0:
			case k.state == inChunk:
				k.state = afterChunk
			default:
				k.endMessage()
			}
			continue
		}
		if k.state == inRequestLine && k.line.size == 0 {
			k.headBytes, k.cookieBytes = 0, 0
			if p[n] == tlsHandshake {
				return n, errTLS
			}
		}
		end := bytes.IndexByte(p[n:], '\n')
		if end < 0 {
			k.line.appendPiece(p[n:])
			return len(p), nil
		}
		k.line.appendPiece(p[n : n+end])
		if err := k.checkLine(); err != nil {
			return n + end, err
		}
		k.headBytes += k.line.size + 1
		k.line.reset()
		n += end + 1
	}
	return n, nil
}

func (k *checker) checkLine() error {
	if !k.line.endsInCRLF() {
		return errLineEnd
	}
	line := k.line.text()
	switch k.state {
	case inRequestLine:
		if len(line) == 0 {
			return nil // net/http accepts one after a POST (RFC 9112 §2.2)
		}
		if isProxyProtocol(line) {
			return errProxyProtocol
		}
		k.current = string(k.line.lastBytes()) == "HTTP/1.1"
		k.measured, k.coded, k.length = false, false, 0
		k.state = inHeader
	case inHeader:
		if len(line) == 0 {
			return k.endHead()
		}
		return k.checkField(line)
	case inChunkSize:
		return k.beginChunk(line)
	case afterChunk:
		if len(line) > 0 {
			return errChunk
		}
		k.state = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			k.endMessage()
			return nil
		}
		_, _, err := splitField(line)
		return err
	case inBody, inChunk: // have no lines
	}
	return nil
}

func (k *checker) checkField(line []byte) error {
	name, value, err := splitField(line)
	switch {
	case err != nil:
		return err
	case bytes.EqualFold(name, []byte("Content-Length")):
		k.length, err = strconv.ParseUint(string(value), 10, 63)
		if err != nil || k.measured || k.line.truncated() {
			return errLength
		}
		k.measured = true
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		// net/http answers other codings before chunked: 501.
		codings := bytes.ToLower(value)
		last := bytes.TrimLeft(codings[bytes.LastIndexByte(codings, ',')+1:], " \t")
		if k.coded || k.line.truncated() || string(last) != "chunked" || bytes.Count(codings, last) != 1 {
			return errCoding
		}
		k.coded = true
	case bytes.EqualFold(name, cookieName):
		k.cookieBytes += k.line.size + 1
	case bytes.EqualFold(name, []byte("Expect")):
		if k.line.truncated() || !bytes.EqualFold(value, []byte("100-continue")) {
			return errExpectation
		}
	}
	return nil
}

// splitField splits a field line, whose end may be missing when it is long.
func splitField(line []byte) (name, value []byte, err error) {
	if isBlank(line[0]) {
		return nil, nil, errFolded
	}
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found && len(line) < maxLineStart || len(name) == 0 || isBlank(name[len(name)-1]) {
		return nil, nil, errNoField
	}
	return name, bytes.Trim(value, " \t"), nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (k *checker) endHead() error {
	switch {
	case k.coded && k.measured:
		return errBothLengths
	case k.coded && !k.current:
		return errCoding
	}
	k.heads++
	switch {
	case k.coded:
		k.state = inChunkSize
	case k.length > 0:
		k.state, k.remaining = inBody, k.length
	default:
		k.endMessage()
	}
	return nil
}

// inHead reports whether a part of a head has arrived.
func (k *checker) inHead() bool {
	return k.state == inHeader || k.state == inRequestLine && k.line.size > 0
}

func (k *checker) endMessage() {
	k.state = inRequestLine
	k.ended++
}

func (k *checker) beginChunk(line []byte) (err error) {
	size, extension, _ := bytes.Cut(line, []byte(";"))
	k.remaining, err = strconv.ParseUint(string(size), 16, 60)
	control := func(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }
	if err != nil || k.line.truncated() || bytes.ContainsFunc(extension, control) {
		return errChunk
	}
	k.state = inChunk
	if k.remaining == 0 {
		k.state = inTrailer
	}
	return nil
}

// poison replaces the bytes after a fault, so that net/http's reader of chunks and
// trailers fails, whatever came before. An error of the connection would end the
// body too, but net/http takes it for a client that has left, which gets no
// response. poison is empty where the fault is in a head.
func (k *checker) poison() string {
	switch k.state {
	case inChunkSize, afterChunk, inTrailer:
		return "\rx\r\n:\r\n\r\n"
	default:
		return ""
	}
}
