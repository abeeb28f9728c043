package route

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ErrBadPath is wrapped by every refusal of [CheckPath].
var ErrBadPath = errors.New("path is not canonical")

func badPath(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadPath, fmt.Sprintf(reason, args...))
}

// RawPath returns the path of a request exactly as it came, undecoded and
// without the query. The target must be in origin-form ("/a?b", RFC 9112 §3.2.1):
// the other forms name a host in the request line, besides the one in Host.
func RawPath(r *http.Request) (string, error) {
	target := r.RequestURI
	if target == "" { // a request made in this process
		target = r.URL.EscapedPath()
	}
	if target == "" || target[0] != '/' {
		return "", badPath("the request target must begin with a slash")
	}
	path, _, _ := strings.Cut(target, "?")
	return path, nil
}

// CheckPath refuses a path that is not canonical. Every request passes it before
// any routing: an attacker gets past a rule where two routers read one path
// differently. Refused are dot segments (also `..;x` as Tomcat reads it, and
// beside %2F), empty segments, backslashes, control bytes, encoded unreserved
// characters such as %61, and characters that lenient decoders turn into a dot or
// a slash.
//
// rawPath is undecoded and without the query. The error wraps [ErrBadPath] and
// says what to send instead.
func CheckPath(rawPath string) error {
	if rawPath == "" || rawPath[0] != '/' {
		return badPath("it must begin with a slash")
	}
	var seg segment
	rawStart := 1
	for i := 1; i < len(rawPath); i++ {
		switch c := rawPath[i]; c {
		case '/':
			if i == rawStart {
				return badPath("empty segment; send one slash instead of two")
			}
			if seg.isDots() {
				return errDotSegment
			}
			seg, rawStart = segment{}, i+1
		case '.', ';':
			seg.readByte(c)
		case '%':
			v, ok := escaped(rawPath, i)
			if !ok {
				return badPath("invalid percent escape; encode a percent sign as %%25")
			}
			if err := checkEscaped(rawPath, i, v); err != nil {
				return err
			}
			if v == '/' {
				if seg.isDots() {
					return errDotSegment
				}
				seg = segment{}
			} else if char, plain := compatible(rawPath, i); plain == nil {
				seg.readByte(v)
			} else if bytes.ContainsAny(plain, `%./\`) {
				// Full-width and small forms, leaders, ligatures: checked as one
				// character, and turned into another afterwards.
				return badPath("%q can be taken for %q", char, plain)
			} else {
				for _, c := range plain {
					seg.readByte(c)
				}
				i += 3 * (len(char) - 1)
			}
			i += 2
		default:
			if c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == '?' {
				return badPath("byte 0x%02x is not allowed; percent-encode it", c)
			}
			seg.readByte(c)
		}
	}
	if seg.isDots() {
		return errDotSegment
	}
	return nil
}

var errDotSegment = badPath("dot segment; send the resolved path")

// segment is the state of the dot rule in a segment: how many dots, whether there
// is anything else, and whether parameters (RFC 3986 §3.3) have begun, which
// servlet containers cut off before they resolve dots.
type segment struct {
	dots          int
	other, params bool
}

func (s *segment) readByte(c byte) {
	switch {
	case s.params:
	case c == ';':
		s.params = true
	case c == '.':
		s.dots++
	default:
		s.other = true
	}
}

func (s *segment) isDots() bool { return !s.other && (s.dots == 1 || s.dots == 2) }

// checkEscaped checks the byte v that is percent-encoded at path[i].
func checkEscaped(path string, i int, v byte) error {
	switch {
	case v < 0x20 || v == 0x7f:
		return badPath("encoded control byte %s", path[i:i+3])
	case v == '\\':
		return badPath("encoded backslash; some servers read it as a slash")
	case isUnreserved(v):
		return badPath("%s must be sent as %q (RFC 3986 §2.3)", path[i:i+3], v)
	case v < 0xc0:
		return nil
	}
	// A lone byte belongs to a legacy encoding.
	if next, ok := escaped(path, i+3); ok && next >= 0x80 && next < overlongBelow[v] {
		return badPath("overlong UTF-8 (RFC 3629 §3)")
	}
	return nil
}

// overlongBelow maps a first byte to the lowest second byte that is not overlong.
// It has the forms of five and six bytes (RFC 2279) too: old decoders read them.
var overlongBelow = [256]byte{0xc0: 0xc0, 0xc1: 0xc0, 0xe0: 0xa0, 0xf0: 0x90, 0xf8: 0x88, 0xfc: 0x84}

// compatible decodes the percent-encoded character that begins at s[i], and
// returns its form in servers that normalise (NFKC, UAX #15); nil where it stays
// the same.
func compatible(s string, i int) (char, plain []byte) {
	if first, _ := escaped(s, i); first < utf8.RuneSelf {
		return nil, nil
	}
	var buf [utf8.UTFMax]byte
	n := 0
	for ; n < len(buf); n++ {
		c, ok := escaped(s, i+3*n)
		if !ok || n > 0 && c&0xc0 != 0x80 {
			break
		}
		buf[n] = c
	}
	r, size := utf8.DecodeRune(buf[:n])
	if r == utf8.RuneError { // bytes of a legacy encoding
		return nil, nil
	}
	if char = buf[:size]; !norm.NFKC.IsNormal(char) {
		plain = norm.NFKC.Bytes(char)
	}
	return char, plain
}

// escaped decodes the percent escape at s[i:], if there is one.
func escaped(s string, i int) (byte, bool) {
	if i+2 >= len(s) || s[i] != '%' {
		return 0, false
	}
	hi, lo := unhex(s[i+1]), unhex(s[i+2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// foldPath reads the beginning of a checked path as the most careless upstream
// would: %2F as a slash, parameters cut off, no difference between
// upper and lower case nor between full-width letters and others (NFKC), and
// not one byte further than limit. separators says that more than case changed.
func foldPath(path string, limit int) (folded string, separators bool) {
	i := 0
	for ; i < len(path) && i <= limit; i++ {
		if c := path[i]; c == '%' || c == ';' || 'A' <= c && c <= 'Z' {
			break
		}
	}
	if i == len(path) || i > limit {
		return path, false
	}
	b := append(make([]byte, 0, limit+2), path[:i]...)
	skip := false // inside parameters
	for ; i < len(path) && len(b) <= limit; i++ {
		c := path[i]
		if c == '%' {
			if char, plain := compatible(path, i); plain != nil {
				separators = true
				i += 3*len(char) - 1
				for _, c := range bytes.ToLower(plain) {
					if skip = skip || c == ';'; !skip {
						b = append(b, c)
					}
				}
				continue
			}
			c, _ = escaped(path, i)
			i += 2
			separators = separators || c == '/' || c == ';'
		}
		switch {
		case c == '/':
			skip = false
			if b[len(b)-1] != '/' {
				b = append(b, '/')
			}
		case c == ';':
			skip, separators = true, true
		case skip:
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return string(b), separators
}
