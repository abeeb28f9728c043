package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Conn is one kept-alive connection to what is measured. It is a measuring
// instrument: it understands just enough HTTP to tell a whole answer from half
// of one, because net/http would need as much of the core as what is measured.
type Conn struct {
	Raw    net.Conn
	Reader *bufio.Reader
}

// connDeadline is how long one may stay open: a hung server ends the run.
const connDeadline = 2 * time.Minute

func Dial(addr string) (*Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(connDeadline)); err != nil {
		return nil, err
	}
	return &Conn{conn, bufio.NewReaderSize(conn, 32<<10)}, nil
}

func (w *Conn) Close() error { return w.Raw.Close() }

// Reply is what a wire tells of an answer.
type Reply struct {
	Status int
	Length int // of the body, which has been read
}

var (
	contentLength    = []byte("content-length:")
	transferEncoding = []byte("transfer-encoding:")
	connectionClose  = []byte("connection: close")
)

// Exchange sends a request and reads the whole answer. Each line of the header goes
// to seen, which may be nil.
func (w *Conn) Exchange(request []byte, seen func(line []byte)) (Reply, error) {
	if _, err := w.Raw.Write(request); err != nil {
		return Reply{}, err
	}
	r, err := w.head(seen)
	if err != nil || r.Length == 0 {
		return r, err
	}
	if r.Length < 0 {
		return r, errors.New("an answer of unknown length")
	}
	_, err = w.Reader.Discard(r.Length)
	return r, err
}

// head reads up to the empty line.
func (w *Conn) head(seen func(line []byte)) (Reply, error) {
	line, err := w.Reader.ReadSlice('\n')
	if err != nil {
		return Reply{}, err
	}
	if len(line) < 13 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return Reply{}, fmt.Errorf("no status line: %q", line)
	}
	r := Reply{Length: -1}
	if r.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, err
	}
	if r.Status == 204 || r.Status == 101 {
		r.Length = 0
	}
	for {
		line, err := w.Reader.ReadSlice('\n')
		if err != nil {
			return r, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		switch {
		case len(line) == 0:
			return r, nil
		case foldedPrefix(line, contentLength):
			if r.Length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return r, err
			}
		case foldedPrefix(line, transferEncoding):
			return r, errors.New("an answer in chunks")
		case foldedPrefix(line, connectionClose):
			return r, errors.New("the connection is not kept")
		}
		if seen != nil {
			seen(line)
		}
	}
}

// Unexpected is why an answer is not the one that was wanted.
func Unexpected(to string, r Reply, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return fmt.Errorf("%s: status %d", to, r.Status)
}

func foldedPrefix(line, prefix []byte) bool {
	return len(line) >= len(prefix) && bytes.EqualFold(line[:len(prefix)], prefix)
}

// BrowserRequest is a request as a browser of the app sends it, the same bytes
// for everything that is measured. further ends each of its lines with \r\n.
func BrowserRequest(method, path, cookie, further string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path)
	b.WriteString("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
		"Accept: application/json\r\nAccept-Language: en\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n")
	if cookie != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookie)
	}
	if method != "GET" {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString(further + "\r\n")
	return b.Bytes()
}
