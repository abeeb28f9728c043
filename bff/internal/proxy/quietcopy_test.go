package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// reads gives one piece for each Read, as far as the buffer allows, and notes
// how large the buffer was.
type reads struct {
	pieces []string
	end    error
	sizes  []int
}

func (r *reads) Read(p []byte) (int, error) {
	r.sizes = append(r.sizes, len(p))
	if len(r.pieces) == 0 {
		return 0, r.end
	}
	n := copy(p, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

func TestCopyQuietlyBorrowsALargeBufferForWhatIsLarge(t *testing.T) {
	const small, large = idleBuffer, copyBufferSize
	some := func(n int) string { return strings.Repeat("0123456789", n/10+1)[:n] }
	for name, tt := range map[string]struct {
		pieces []string
		sizes  []int // the last one meets the end
	}{
		"nothing":       {nil, []int{small}},
		"an empty read": {[]string{"", "x"}, []int{small, small, small}},
		"short":         {[]string{"a", some(small - 1)}, []int{small, small, small}},
		"just filled":   {[]string{some(small), "b"}, []int{small, large, small}},
		"a short rest":  {[]string{some(small + 1), "b"}, []int{small, large, small, small}},
		"a long rest":   {[]string{some(2 * small), "b"}, []int{small, large, large, small}},
		"many fill it":  {[]string{some(small + 3*large + 7), "b"}, []int{small, large, large, large, large, small, small}},
		"one by one":    {[]string{some(5000), some(5000), some(5000), "b", some(5000)}, []int{small, large, large, large, large, small, large, large}},
	} {
		t.Run(name, func(t *testing.T) {
			src, want := &reads{pieces: slices.Clone(tt.pieces), end: io.EOF}, strings.Join(tt.pieces, "")
			var got bytes.Buffer
			n, err := copyQuietly(&got, src)
			if err != nil || n != int64(len(want)) || got.String() != want {
				t.Errorf("%d of %d bytes, %v", n, len(want), err)
			}
			if !slices.Equal(src.sizes, tt.sizes) {
				t.Errorf("read into %v, want %v", src.sizes, tt.sizes)
			}
		})
	}
}

// short takes half of what it is given and says nothing of it.
type short struct{ io.Writer }

func (w short) Write(p []byte) (int, error) { return w.Writer.Write(p[:len(p)/2]) }

func TestCopyQuietlyEndsAsCopyDoes(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int{4, idleBuffer, idleBuffer + 4} {
		payload := strings.Repeat("x", size)
		for name, tt := range map[string]struct {
			wrap func(io.Reader) io.Reader
			to   func(io.Writer) io.Writer
			want error
		}{
			"end":               {nil, nil, nil},
			"end with the last": {iotest.DataErrReader, nil, nil},
			"read error":        {func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(broken)) }, nil, broken},
			"write error":       {nil, func(io.Writer) io.Writer { w, r := io.Pipe(); w.CloseWithError(broken); return r }, broken},
			"short write":       {nil, func(w io.Writer) io.Writer { return short{w} }, io.ErrShortWrite},
		} {
			var got, copied bytes.Buffer
			run := func(into *bytes.Buffer, do func(io.Writer, io.Reader) (int64, error)) (int64, error) {
				var r io.Reader = strings.NewReader(payload)
				r = struct{ io.Reader }{r}
				if tt.wrap != nil {
					r = tt.wrap(r)
				}
				var w io.Writer = struct{ io.Writer }{into}
				if tt.to != nil {
					w = tt.to(w)
				}
				return do(w, r)
			}
			n, err := run(&got, copyQuietly)
			if !errors.Is(err, tt.want) || n != int64(got.Len()) {
				t.Errorf("%s at %d: %d of %d, %v", name, size, n, got.Len(), err)
			}
			if _, err := run(&copied, io.Copy); !errors.Is(err, tt.want) {
				t.Errorf("%s at %d: io.Copy itself ends with %v", name, size, err)
			}
		}
	}
}

const handshake = "GET /api/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// switched is an upstream that says yes to any handshake and leaves the rest to
// then, early in one piece with its 101.
func switched(t *testing.T, early string, then func(net.Conn, *bufio.Reader)) string {
	return rawUpstream(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, switching+early)
		then(c, br)
	})
}

// What comes in one piece with the handshakes is in buffers of net/http.
func TestEarlyFramesArriveInOrder(t *testing.T) {
	for _, size := range []int{0, 3, 100, 4 << 10, 100 << 10} {
		up, down := strings.Repeat("up", size), strings.Repeat("down", size)
		got := make(chan string, 1)
		g := newGate(t, switched(t, down+"1", func(c net.Conn, br *bufio.Reader) {
			b := make([]byte, len(up)+2)
			_, _ = io.ReadFull(br, b)
			got <- string(b)
			_, _ = io.WriteString(c, "2")
		}), nil)
		c, br := g.dial(t)
		go func() { _, _ = io.WriteString(c, handshake+up+"1"); _, _ = io.WriteString(c, "2") }()
		if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
			t.Fatal(res, err)
		}
		b := make([]byte, len(down)+2)
		if _, err := io.ReadFull(br, b); err != nil || string(b) != down+"12" {
			t.Errorf("%d: the browser got %d bytes, %v", size, len(b), err)
		}
		if s := <-got; s != up+"12" {
			t.Errorf("%d: the upstream got %.20q…", size, s)
		}
		c.Close()
	}
}

// A client that has said all it has to say still hears the rest.
func TestHalfClosedSocket(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	g := newGate(t, switched(t, "", func(c net.Conn, br *bufio.Reader) {
		all, _ := io.ReadAll(br) // to the end of what the client says
		_, _ = c.Write(all)
	}), nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	if _, err := c.Write(big); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(br); err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d of %d bytes, %v", len(got), len(big), err)
	}
	if err := g.proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// The close frame goes between two frames also when large ones are on their way.
func TestCloseFrameBetweenLargeFrames(t *testing.T) {
	message := frame(2, strings.Repeat("z", 60_000))
	g := newGate(t, switched(t, "", func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := c.Write(message); err != nil {
				return
			}
		}
	}), nil)
	c, br := g.dial(t)
	_, _ = io.WriteString(c, handshake)
	if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	var f frames
	want, b := closeFrame(4401, "bye"), make([]byte, len(message))
	for n := 0; ; n++ {
		if n == 20 {
			g.proxy.CloseSession(ann.SessionID, "bye")
		}
		head, err := br.Peek(len(want))
		if err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
		if bytes.Equal(head, want) {
			break
		}
		if _, err := io.ReadFull(br, b); err != nil || f.next(b) != len(b) || !f.between() || !bytes.Equal(b, message) {
			t.Fatalf("message %d: %v", n, err)
		}
	}
	c.Close()
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
