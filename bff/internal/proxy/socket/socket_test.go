package socket

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection whose client side the test plays.
func pipe(t *testing.T) (*Conn, net.Conn) {
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	s := New()
	s.Attach(server, bufio.NewReadWriter(bufio.NewReader(server), bufio.NewWriter(server)))
	return s, client
}

func frame(opcode byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{0x80 | opcode, byte(n)}, payload...)
	default:
		return append([]byte{0x80 | opcode, 126, byte(n >> 8), byte(n)}, payload...)
	}
}

// The close frame goes between two frames, wherever the upstream's writes end.
func TestCloseFrameWaitsForTheFrameToEnd(t *testing.T) {
	first, second := frame(2, "hello"), frame(1, strings.Repeat("y", 200))
	stream := append(append([]byte{}, first...), second...)
	want := CloseFrame(4401, "bye")
	for cut := range len(stream) + 1 {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, client := pipe(t)
				var got bytes.Buffer
				go func() { _, _ = io.Copy(&got, client) }()
				if cut > 0 {
					_, _ = s.Write(stream[:cut])
				} else {
					s.open()
				}
				s.CloseWithFrame(4401, "bye")
				_, _ = s.Write(stream[cut:])
				synctest.Wait()
				whole := 0
				switch {
				case cut > len(first):
					whole = len(stream)
				case cut > 0:
					whole = len(first)
				}
				if w := append(append([]byte{}, stream[:whole]...), want...); !bytes.Equal(got.Bytes(), w) {
					t.Errorf("the browser got %x, want %x", got.Bytes(), w)
				}
			})
		})
	}
}

// Nothing is written before the 101, and a client that does not read does not
// hold up who ends the session.
func TestEndOfASocketDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := pipe(t)
		s.CloseWithFrame(4401, "early") // would block on the pipe if it wrote
		read := make(chan []byte, 1)
		go func() { b := make([]byte, 64); n, _ := client.Read(b); read <- b[:n] }()
		done := make(chan error, 1)
		go func() { _, err := s.Read(make([]byte, 1)); done <- err }()
		if b := <-read; !bytes.Equal(b, CloseFrame(4401, "early")) {
			t.Errorf("%x", b)
		}
		if err := <-done; err != errClosed { // after CloseGrace
			t.Errorf("%v", err)
		}

		s, client = pipe(t)
		_ = client
		wrote := make(chan error, 1)
		go func() { _, err := s.Write(frame(1, "nobody reads this")); wrote <- err }()
		synctest.Wait()
		start := time.Now()
		s.CloseWithFrame(4401, "x")
		if took := time.Since(start); took != 0 {
			t.Errorf("blocked for %v", took)
		}
		if err := <-wrote; err == nil || time.Since(start) > CloseGrace {
			t.Errorf("the blocked write ended with %v after %v", err, time.Since(start))
		}
		client.Close()
	})
}

func TestFrames(t *testing.T) {
	for name, head := range map[string][]byte{
		"7 bits":         {0x82, 5},
		"16 bits":        {0x82, 126, 0, 200},
		"64 bits":        {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1},
		"masked":         {0x82, 0x85, 1, 2, 3, 4},
		"masked 64 bits": {0x02, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4},
		"empty":          {0x89, 0},
	} {
		payload := map[string]int{"7 bits": 5, "16 bits": 200, "64 bits": 65537, "masked": 5, "masked 64 bits": 65536}[name]
		whole := append(append([]byte{}, head...), make([]byte, payload)...)
		var f frames
		if n := f.next(append(whole, 0x82, 1)); n != len(whole) || !f.between() {
			t.Errorf("%s: %d of %d bytes", name, n, len(whole))
		}
		for i := range whole {
			if n := f.next(whole[i : i+1]); n != 1 || f.between() != (i == len(whole)-1) {
				t.Fatalf("%s, byte by byte: %d at %d", name, n, i)
			}
		}
	}
}

func TestCloseFrame(t *testing.T) {
	if got := CloseFrame(4401, "ab"); !bytes.Equal(got, []byte{0x88, 4, 0x11, 0x31, 'a', 'b'}) {
		t.Errorf("%x", got)
	}
	if got := CloseFrame(1001, strings.Repeat("é", 100)); len(got) != 4+122 || got[1] != 124 {
		t.Errorf("%d bytes", len(got))
	}
}

// net/http keeps its buffers until the handler returns, 8 KiB for each socket.
func TestSocketLetsBuffersGo(t *testing.T) {
	s, client := pipe(t)
	go func() { _, _ = client.Write([]byte("hello")) }()
	if n, err := s.Read(make([]byte, 8)); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if in, out := s.buffers.Reader.Size(), s.buffers.Writer.Size(); in != 0 || out != 0 {
		t.Errorf("it holds %d and %d bytes", in, out)
	}
}

// A client that takes nothing for a while was not heard either.
func TestSocketIsHeardWhileItDoesNotListen(t *testing.T) {
	s, client := pipe(t)
	s.open()
	wrote := make(chan error, 1)
	go func() { _, err := s.Write(frame(1, "nobody reads this")); wrote <- err }()
	for s.mu.TryLock() { // until the Write has it
		s.mu.Unlock()
		runtime.Gosched()
	}
	_ = client.SetWriteDeadline(time.Now().Add(time.Minute))
	heard := make(chan string, 1)
	go func() { b := make([]byte, 9); n, _ := s.Read(b); heard <- string(b[:n]) }()
	if _, err := io.WriteString(client, "listen"); err != nil {
		t.Error(err)
	}
	client.Close()
	if got := <-heard; got != "listen" {
		t.Errorf("%q", got)
	}
	<-wrote
}
