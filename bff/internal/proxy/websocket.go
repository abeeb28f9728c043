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
// connection is closed.
const closeGrace = 2 * time.Second

// closeFrameTime is the write deadline of the close frame. It fits into the send
// buffer at once unless the browser has long stopped reading.
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

// lists reports whether a list header has token, ignoring case.
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
// Through any other protocol, above all h2c, a client could bypass every rule of
// the table.
func upgradable(r *http.Request) bool {
	return len(r.Header["Upgrade"]) == 1 && strings.EqualFold(strings.Trim(r.Header["Upgrade"][0], " \t"), "websocket") &&
		r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 && r.ContentLength == 0 &&
		len(r.Header["Sec-Websocket-Key"]) == 1
}

// socket is the browser's end of a WebSocket. It parses the frame headers of the
// upstream, so that our close frame can be written between two frames.
type socket struct {
	net.Conn
	buffers *bufio.ReadWriter      // net/http's; the client may have sent frames with its handshake
	ready   atomic.Bool            // Conn is set
	closing atomic.Pointer[[]byte] // our close frame, once the session has ended
	ended   chan struct{}          // closed then

	opened atomic.Bool // the 101 is written

	mu     sync.Mutex // guards what is written
	frames frames
	closed bool // our close frame is written, or cannot be
}

// openSocket registers the stream before the connection is hijacked, so that a
// session that has ended meanwhile can still be answered with a status.
func (ex *exchange) openSocket() (*socket, error) {
	s := &socket{ended: make(chan struct{})}
	return s, ex.registerStream(true, s.closeWithFrame)
}

func (s *socket) attachConn(conn net.Conn, buffers *bufio.ReadWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Conn, s.buffers = conn, buffers
	s.ready.Store(true)
}

// closeWithFrame is called by CloseSession. It never waits for a client that does
// not read.
func (s *socket) closeWithFrame(code int, reason string) {
	frame := closeFrame(code, reason)
	if !s.closing.CompareAndSwap(nil, &frame) {
		return
	}
	close(s.ended)
	if s.ready.Load() {
		// Also wakes a Write to a client that does not read.
		_ = s.Conn.SetDeadline(time.Now().Add(closeGrace))
	}
	if s.mu.TryLock() { // else a Write is under way, which checks closing at its end
		s.writeCloseFrame()
		s.mu.Unlock()
	}
}

// writeCloseFrame writes the close frame if a frame may begin here. s.mu is held.
func (s *socket) writeCloseFrame() {
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
		return // without the lock, which is held by a Write to a client that does not read
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opened.Swap(true) {
		// net/http keeps its buffers until the handler returns: emptied, they
		// hold no 4 KiB each.
		*s.buffers.Writer = bufio.Writer{}
		s.writeCloseFrame()
	}
}

// Read reads from the client. Once the session has ended, the data is discarded
// but read on: closing with unread data would reset the connection, and the client
// would lose the close frame.
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

// io.Copy uses these; without them it allocates 32 KiB for each direction.
var (
	_ io.WriterTo   = (*socket)(nil)
	_ io.ReaderFrom = (*socket)(nil)
)

// WriteTo copies from the client.
func (s *socket) WriteTo(upstream io.Writer) (int64, error) { return copyQuietly(upstream, s) }

// ReadFrom copies from the upstream.
func (s *socket) ReadFrom(upstream io.Reader) (int64, error) { return copyQuietly(s, upstream) }

// Write writes to the client.
func (s *socket) Write(p []byte) (int, error) {
	s.open()
	s.mu.Lock()
	n, err := s.writeFrames(p)
	s.mu.Unlock()
	if s.closing.Load() != nil { // closeWithFrame may have run while the lock was held
		s.mu.Lock()
		s.writeCloseFrame()
		s.mu.Unlock()
	}
	return n, err
}

func (s *socket) writeFrames(p []byte) (int, error) {
	if s.closed {
		return len(p), nil // Read ends the connection, after the client's close frame
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
	s.writeCloseFrame()
	return len(p), nil
}

// frames parses the frame headers of RFC 6455 §5.2 in a byte stream.
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
	if f.header[1]&0x80 != 0 { // masked: forbidden for a server, but the key has its place
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

// closeFrame makes a close frame (RFC 6455 §5.5.1). Its reason is cut to 123
// bytes.
func closeFrame(code int, reason string) []byte {
	if len(reason) > 123 {
		reason = strings.ToValidUTF8(reason[:123], "")
	}
	frame := []byte{0x88, byte(2 + len(reason)), byte(code >> 8), byte(code)}
	return append(frame, reason...)
}
