package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// wire is one kept-alive connection to what is measured. It is a measuring
// instrument: it understands just enough HTTP to tell a whole answer from half
// of one, because net/http would need as much of the core as what is measured.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
}

// onWire is how long one may stay open: a hung server ends the run.
const onWire = 2 * time.Minute

func dial(addr string) (*wire, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(onWire)); err != nil {
		return nil, err
	}
	return &wire{conn, bufio.NewReaderSize(conn, 32<<10)}, nil
}

func (w *wire) Close() error { return w.conn.Close() }

// reply is what a wire tells of an answer.
type reply struct {
	status int
	length int // of the body, which has been read
}

var (
	contentLength    = []byte("content-length:")
	transferEncoding = []byte("transfer-encoding:")
	connectionClose  = []byte("connection: close")
)

// ask sends a request and reads the whole answer. Each line of the header goes
// to seen, which may be nil.
func (w *wire) ask(request []byte, seen func(line []byte)) (reply, error) {
	if _, err := w.conn.Write(request); err != nil {
		return reply{}, err
	}
	r, err := w.head(seen)
	if err != nil || r.length == 0 {
		return r, err
	}
	if r.length < 0 {
		return r, errors.New("an answer of unknown length")
	}
	_, err = w.in.Discard(r.length)
	return r, err
}

// head reads up to the empty line.
func (w *wire) head(seen func(line []byte)) (reply, error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return reply{}, err
	}
	if len(line) < 13 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return reply{}, fmt.Errorf("no status line: %q", line)
	}
	r := reply{length: -1}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, err
	}
	if r.status == 204 || r.status == 101 {
		r.length = 0
	}
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return r, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		switch {
		case len(line) == 0:
			return r, nil
		case foldedPrefix(line, contentLength):
			if r.length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
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

// unexpected is why an answer is not the one that was wanted.
func unexpected(to string, r reply, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", to, err)
	}
	return fmt.Errorf("%s: status %d", to, r.status)
}

func foldedPrefix(line, prefix []byte) bool {
	return len(line) >= len(prefix) && bytes.EqualFold(line[:len(prefix)], prefix)
}

// browserRequest is a request as a browser of the app sends it, the same bytes
// for everything that is measured. further ends each of its lines with \r\n.
func browserRequest(method, path, cookie, further string) []byte {
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
