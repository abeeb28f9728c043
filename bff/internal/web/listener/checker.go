package listener

import (
	"bytes"
	"errors"
	"strconv"
)

// Why a request is refused before anybody has read it. Two servers in a row
// that disagree on where a request ends let an attacker put a request of his
// own in front of the next user's (RFC 9112 §11.2). net/http reads generously:
// with both lengths it drops Content-Length and keeps the connection, it joins
// folded lines, takes bare line feeds, and ignores Transfer-Encoding in
// HTTP/1.0, all before a handler could see it.
var (
	errBothLengths = errors.New("Content-Length and Transfer-Encoding at once")
	errLength      = errors.New("Content-Length is repeated or no number")
	errCoding      = errors.New("Transfer-Encoding is repeated, does not end in chunked, or is older than HTTP/1.1")
	errLineEnd     = errors.New("a line ends in a bare line feed, or has a carriage return in it")
	errFolded      = errors.New("a header line is folded")
	errNoField     = errors.New("a header line has no name, or a space before its colon")
	errChunk       = errors.New("a chunk is malformed")
	// Not about length, but net/http waits for the body of what it has refused,
	// and without a deadline.
	errExpectation = errors.New("the expectation is not 100-continue")
	// Other protocols, which an operator has to hear of by name.
	errTLS           = errors.New("it is TLS, and this port speaks plain HTTP: use http://, or end TLS in front of it")
	errProxyProtocol = errors.New("it begins with the PROXY protocol: switch that off in the proxy in front, which is to send X-Forwarded-For")
)

// framing follows the requests on one HTTP/1 connection from byte to byte
// (RFC 9112 §6, §7.1). It keeps nothing and changes nothing. It is never more
// generous than net/http: what both accept ends at the same byte for both,
// which a fuzz test holds it to.
type framing struct {
	state framingState
	left  uint64 // bytes of a body or chunk to come
	ended int64  // requests, whole
	heads int64  // of requests, whole
	line  lineStart

	// Of the head being read.
	headBytes, cookieBytes int // so far; without the line that is being read
	length                 uint64
	measured, coded        bool // Content-Length, Transfer-Encoding seen
	current                bool // HTTP/1.1
}

type framingState uint8

const (
	inRequestLine framingState = iota
	inHeader
	inBody
	inChunkSize
	inChunk
	afterChunk
	inTrailer
)

// follow takes the next bytes of the connection. With an error only the first
// n of them may be passed on: never the last byte of what is wrong, so that a
// reader behind it cannot take the message for complete.
func (f *framing) follow(p []byte) (n int, err error) {
	for n < len(p) {
		if f.state == inBody || f.state == inChunk {
			k := min(uint64(len(p)-n), f.left)
			f.left -= k
			n += int(k)
			switch {
			case f.left > 0:
			case f.state == inChunk:
				f.state = afterChunk
			default:
				f.endMessage()
			}
			continue
		}
		if f.state == inRequestLine && f.line.size == 0 {
			f.headBytes, f.cookieBytes = 0, 0
			if p[n] == tlsHandshake {
				return n, errTLS
			}
		}
		end := bytes.IndexByte(p[n:], '\n')
		if end < 0 {
			f.line.add(p[n:])
			return len(p), nil
		}
		f.line.add(p[n : n+end])
		if err := f.endLine(); err != nil {
			return n + end, err
		}
		f.headBytes += f.line.size + 1
		f.line.reset()
		n += end + 1
	}
	return n, nil
}

func (f *framing) endLine() error {
	if !f.line.endsWell() {
		return errLineEnd
	}
	line := f.line.text()
	switch f.state {
	case inRequestLine:
		if len(line) == 0 {
			return nil // net/http forgives one after a POST (RFC 9112 §2.2)
		}
		if isProxyProtocol(line) {
			return errProxyProtocol
		}
		f.current = string(f.line.last()) == "HTTP/1.1"
		f.measured, f.coded, f.length = false, false, 0
		f.state = inHeader
	case inHeader:
		if len(line) == 0 {
			return f.endHead()
		}
		return f.field(line)
	case inChunkSize:
		return f.beginChunk(line)
	case afterChunk:
		if len(line) > 0 {
			return errChunk
		}
		f.state = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			f.endMessage()
			return nil
		}
		_, _, err := fieldOf(line)
		return err
	case inBody, inChunk: // have no lines
	}
	return nil
}

func (f *framing) field(line []byte) error {
	name, value, err := fieldOf(line)
	switch {
	case err != nil:
		return err
	case bytes.EqualFold(name, []byte("Content-Length")):
		f.length, err = strconv.ParseUint(string(value), 10, 63)
		if err != nil || f.measured || f.line.cut() {
			return errLength
		}
		f.measured = true
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		// What else there is before chunked is net/http's to answer: 501.
		codings := bytes.ToLower(value)
		last := bytes.TrimLeft(codings[bytes.LastIndexByte(codings, ',')+1:], " \t")
		if f.coded || f.line.cut() || string(last) != "chunked" || bytes.Count(codings, last) != 1 {
			return errCoding
		}
		f.coded = true
	case bytes.EqualFold(name, cookieName):
		f.cookieBytes += f.line.size + 1
	case bytes.EqualFold(name, []byte("Expect")):
		if f.line.cut() || !bytes.EqualFold(value, []byte("100-continue")) {
			return errExpectation
		}
	}
	return nil
}

// fieldOf splits a field line, whose end may be missing when it is long.
func fieldOf(line []byte) (name, value []byte, err error) {
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

func (f *framing) endHead() error {
	switch {
	case f.coded && f.measured:
		return errBothLengths
	case f.coded && !f.current:
		return errCoding
	}
	f.heads++
	switch {
	case f.coded:
		f.state = inChunkSize
	case f.length > 0:
		f.state, f.left = inBody, f.length
	default:
		f.endMessage()
	}
	return nil
}

// inHead reports whether a part of a head has come.
func (f *framing) inHead() bool {
	return f.state == inHeader || f.state == inRequestLine && f.line.size > 0
}

func (f *framing) endMessage() {
	f.state = inRequestLine
	f.ended++
}

func (f *framing) beginChunk(line []byte) (err error) {
	size, extension, _ := bytes.Cut(line, []byte(";"))
	f.left, err = strconv.ParseUint(string(size), 16, 60)
	if err != nil || f.line.cut() || bytes.ContainsFunc(extension, func(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }) {
		return errChunk
	}
	f.state = inChunk
	if f.left == 0 {
		f.state = inTrailer
	}
	return nil
}

// spoiler is to be read in place of what follows a fault, so that net/http's
// own reader of chunks and trailers fails, whatever came before. An error of
// the connection would do too, but counts as a client that has left, who gets
// no answer. It is empty where a head is at fault.
func (f *framing) spoiler() string {
	switch f.state {
	case inChunkSize, afterChunk, inTrailer:
		return "\rx\r\n:\r\n\r\n"
	default:
		return ""
	}
}

const (
	maxLineStart = 128 // more than any line that counts needs
	maxLineEnd   = 9   // "HTTP/1.1\r"
)

// lineStart is as much of a line as framing must know, however long the line
// and whatever pieces it comes in.
type lineStart struct {
	start   [maxLineStart]byte
	end     [maxLineEnd]byte
	size    int  // of the whole line
	strayCR bool // a carriage return that does not end it
}

func (l *lineStart) reset() { l.size, l.strayCR = 0, false }

func (l *lineStart) add(piece []byte) {
	if len(piece) == 0 {
		return
	}
	cr := bytes.IndexByte(piece, '\r')
	l.strayCR = l.strayCR || l.endsInCR() || cr >= 0 && cr < len(piece)-1
	if l.size < maxLineStart {
		copy(l.start[l.size:], piece)
	}
	if k := len(piece); k < maxLineEnd {
		copy(l.end[:], l.end[k:])
		copy(l.end[maxLineEnd-k:], piece)
	} else {
		copy(l.end[:], piece[k-maxLineEnd:])
	}
	l.size += len(piece)
}

func (l *lineStart) endsInCR() bool { return l.size > 0 && l.end[maxLineEnd-1] == '\r' }

// endsWell is asked where the line feed is.
func (l *lineStart) endsWell() bool { return l.endsInCR() && !l.strayCR }

// cut reports that text is not all of the line.
func (l *lineStart) cut() bool { return l.size-1 > maxLineStart }

func (l *lineStart) text() []byte { return l.start[:min(l.size-1, maxLineStart)] }

// last is what the line ends in.
func (l *lineStart) last() []byte { return l.end[:maxLineEnd-1] }
