package attack

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is an upstream that keeps the requests it gets, byte for byte, and answers
// with whatever bytes the test likes.
type recorder struct {
	url string

	mu     sync.Mutex
	got    []string
	answer func(conn net.Conn, r *http.Request) (keep bool)
}

const plainAnswer = "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 2\n\nok"

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{url: "http://" + l.Addr().String()}
	var all sync.WaitGroup
	var conns []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			conns = append(conns, conn)
			r.mu.Unlock()
			all.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		r.mu.Unlock()
		all.Wait()
	})
	return r
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var raw bytes.Buffer
		br := bufio.NewReader(io.TeeReader(conn, &raw))
		in, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		if in.Header.Get("Expect") != "" {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if _, err := io.Copy(io.Discard, in.Body); err != nil {
			return // broken off: no upstream would act on it
		}
		r.mu.Lock()
		r.got = append(r.got, raw.String())
		answer := r.answer
		r.mu.Unlock()
		if answer == nil {
			text := onWire.Replace(plainAnswer)
			if in.Method == http.MethodHead {
				text = strings.TrimSuffix(text, "ok")
			}
			_, _ = io.WriteString(conn, text)
		} else if !answer(conn, in) {
			return
		}
	}
}

func (r *recorder) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.got...)
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = nil
}

// answers makes it send these bytes, and close.
func (r *recorder) answers(text string) {
	r.answersBy(func(conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, onWire.Replace(text))
		return false
	})
}

// answersTooMuch makes it send these bytes and wait: once they are read as an
// answer and something is left over, nobody may go on with the connection.
func (r *recorder) answersTooMuch(text string) (dropped <-chan bool) {
	done := make(chan bool, 1)
	r.answersBy(func(conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, onWire.Replace(text))
		_ = conn.SetReadDeadline(time.Now().Add(25 * time.Second))
		n, err := conn.Read(make([]byte, 1))
		var late net.Error
		done <- n == 0 && !(errors.As(err, &late) && late.Timeout())
		return false
	})
	return done
}

func (r *recorder) answersBy(answer func(net.Conn, *http.Request) (keep bool)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}
