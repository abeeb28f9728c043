package proxy

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Deadlines of a connection are kept by the kernel, by the machine's clock:
// time.Now and not the injected one.

// closeGrace is how long a browser has to answer a close frame before the
// connection is dropped.
const closeGrace = 2 * time.Second

// closeFrameTime is for the frame itself: it fits into the send buffer at once
// unless the browser has long stopped reading.
const closeFrameTime = 100 * time.Millisecond

// wantsUpgrade reports whether a request asks to switch protocols
// (RFC 9110 §7.8): Upgrade counts only when Connection lists it, as Firefox
// does with "keep-alive, Upgrade".
func wantsUpgrade(h http.Header) bool {
	if len(h["Upgrade"]) == 0 {
		return false
	}
	return lists(h["Connection"], "upgrade")
}

// lists reports whether token is one of a list header's, in whatever case.
func lists(values []string, token string) bool {
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(one, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// upgradable reports whether it is a WebSocket handshake (RFC 6455 §4.1).
// Through any other protocol, h2c above all, a client would talk to the
// upstream past every rule of the table.
func upgradable(r *http.Request) bool {
	return len(r.Header["Upgrade"]) == 1 && strings.EqualFold(strings.Trim(r.Header["Upgrade"][0], " \t"), "websocket") &&
		r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 && r.ContentLength == 0 &&
		len(r.Header["Sec-Websocket-Key"]) == 1
}

// socket is the browser's end of a WebSocket. It follows the frames that the
// upstream sends, so that a close frame of ours can be put between two of them.
type socket struct {
	net.Conn
	buffers *bufio.ReadWriter      // net/http's; the client may have sent something along with its handshake
	ready   atomic.Bool            // Conn is set
	closing atomic.Pointer[[]byte] // our close frame, once the session has ended
	ended   chan struct{}          // closed then

	opened atomic.Bool // the 101 is out

	mu     sync.Mutex // guards what is written
	frames frames
	closed bool // our close frame is out, or never will be
}

// openSocket registers before the connection is taken over, so that a session
// that has ended meanwhile can still be answered with a status.
func (ex *exchange) openSocket() (*socket, error) {
	s := &socket{ended: make(chan struct{})}
	return s, ex.register(true, s.end)
}

func (s *socket) attach(conn net.Conn, buffers *bufio.ReadWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Conn, s.buffers = conn, buffers
	s.ready.Store(true)
}

// end is told by CloseSession. It never waits for a client that does not read.
func (s *socket) end(code int, reason string) {
	frame := closeFrame(code, reason)
	if !s.closing.CompareAndSwap(nil, &frame) {
		return
	}
	close(s.ended)
	if s.ready.Load() {
		// Also wakes a Write to a client that does not read.
		_ = s.Conn.SetDeadline(time.Now().Add(closeGrace))
	}
	if s.mu.TryLock() { // else a Write is going on, and looks at closing when it is done
		s.finish()
		s.mu.Unlock()
	}
}

// finish writes the close frame if it may be written now. s.mu is held.
func (s *socket) finish() {
	frame := s.closing.Load()
	if frame == nil || s.closed || !s.opened.Load() {
		return
	}
	_ = s.Conn.SetDeadline(time.Now().Add(closeGrace))
	if !s.frames.between() {
		return // the rest of the frame, or the deadline, comes first
	}
	s.closed = true
	_ = s.Conn.SetWriteDeadline(time.Now().Add(closeFrameTime))
	_, _ = s.Conn.Write(*frame)
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

// open is called by the first Read or Write, which come after the 101.
func (s *socket) open() {
	if s.opened.Load() {
		return // without the lock, which a Write to a client that does not read has
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened.Swap(true) {
		// net/http keeps its buffers until the handler returns: emptied, they
		// hold no 4 KiB each.
		*s.buffers.Writer = bufio.Writer{}
		s.finish()
	}
}

// Read is what the client sends. Once the session has ended it goes nowhere,
// but it is read on: closing with unread data would reset the connection, and
// the close frame with it.
func (s *socket) Read(p []byte) (n int, err error) {
	s.open()
	for {
		if early := s.buffers.Reader; early.Buffered() > 0 {
			n, err = early.Read(p)
		} else {
			*early = bufio.Reader{} // see open
			n, err = s.Conn.Read(p)
		}
		if s.closing.Load() == nil {
			return n, err
		}
		if err != nil {
			return 0, errSessionEnded
		}
	}
}

// What io.Copy looks for: without them it takes 32 KiB for each direction.
var (
	_ io.WriterTo   = (*socket)(nil)
	_ io.ReaderFrom = (*socket)(nil)
)

// WriteTo carries what the client sends.
func (s *socket) WriteTo(upstream io.Writer) (int64, error) { return copyQuietly(upstream, s) }

// ReadFrom carries what the upstream sends.
func (s *socket) ReadFrom(upstream io.Reader) (int64, error) { return copyQuietly(s, upstream) }

// Write is what the upstream sends.
func (s *socket) Write(p []byte) (int, error) {
	s.open()
	s.mu.Lock()
	n, err := s.write(p)
	s.mu.Unlock()
	if s.closing.Load() != nil { // it may have come while the lock was held
		s.mu.Lock()
		s.finish()
		s.mu.Unlock()
	}
	return n, err
}

func (s *socket) write(p []byte) (int, error) {
	if s.closed {
		return len(p), nil // Read ends the connection, with the client's answer
	}
	if s.closing.Load() == nil {
		for rest := p; len(rest) > 0; {
			rest = rest[s.frames.next(rest):]
		}
		n, err := s.Conn.Write(p)
		s.closed = err != nil // somewhere in a frame
		return n, err
	}
	if !s.frames.between() {
		if n, err := s.Conn.Write(p[:s.frames.next(p)]); err != nil {
			s.closed = true
			return n, err
		}
	}
	s.finish()
	return len(p), nil
}

// frames follows the frame headers of RFC 6455 §5.2 in a byte stream.
type frames struct {
	header  [14]byte
	have    int    // bytes of header so far
	payload uint64 // bytes of payload to come
}

func (f *frames) between() bool { return f.have == 0 && f.payload == 0 }

// next consumes p up to the end of the current frame at most, and returns how
// many bytes that were.
func (f *frames) next(p []byte) (n int) {
	for f.payload == 0 {
		if n == len(p) {
			return n
		}
		f.header[f.have] = p[n]
		f.have++
		n++
		if f.have < 2 || f.have < f.headerSize() {
			continue
		}
		f.payload = f.payloadSize()
		f.have = 0
		if f.payload == 0 {
			return n
		}
	}
	k := min(uint64(len(p)-n), f.payload)
	f.payload -= k
	return n + int(k)
}

func (f *frames) headerSize() int {
	size := 2
	switch f.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.header[1]&0x80 != 0 { // masked; a server must not, but then it is there
		size += 4
	}
	return size
}

func (f *frames) payloadSize() uint64 {
	switch length := f.header[1] & 0x7f; length {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(length)
	}
}

// closeFrame is a close frame of RFC 6455 §5.5.1, whose reason has space for
// 123 bytes.
func closeFrame(code int, reason string) []byte {
	if len(reason) > 123 {
		reason = strings.ToValidUTF8(reason[:123], "")
	}
	frame := []byte{0x88, byte(2 + len(reason)), byte(code >> 8), byte(code)}
	return append(frame, reason...)
}
