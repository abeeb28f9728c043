package load

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A load generator that takes anything for an answer measures nothing.
func TestLoadRefusesWrongAnswers(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"good", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""},
		{"any case", "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", ""},
		{"status", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "status 401"},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", "3 bytes, want 200 and 2"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nok", "unknown length"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "chunks"},
		{"not kept", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "not kept"},
		{"half", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", "EOF"},
		{"no HTTP", "hello, here I am\r\n\r\n", "no status line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go answerWith(l, c.answer, 0)
			_, err = Order{Addr: l.Addr().String(), Path: "/", Connections: 2, Duration: 20 * time.Millisecond, Length: 2}.run()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A server that stalls for the whole window is slow, not absent.
func TestLoadCountsLateAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const stall = 60 * time.Millisecond
	go answerWith(l, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", stall)
	got, err := Order{Addr: l.Addr().String(), Path: "/", Connections: 3, Duration: 10 * time.Millisecond, Length: 2}.run()
	if err != nil || got.Count != 3 || got.P50 < Micros(stall) || got.PerSecond > 3/stall.Seconds() {
		t.Errorf("%+v, %v", got, err)
	}
}

// answerWith answers each request alike; half an answer is the last.
func answerWith(l net.Listener, answer string, after time.Duration) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 4096)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
				<-time.After(after)
				if _, err := io.WriteString(conn, answer); err != nil || strings.HasSuffix(answer, "\n\r\no") {
					return
				}
			}
		}()
	}
}
