// Package socket holds the browser's end of a WebSocket that the proxy passes
// on: it copies both ways, and can put a close frame between two frames of the
// upstream when the session ends.
package socket

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Deadlines of a connection are kept by the kernel, by the machine's clock:
// time.Now and not the injected one.

// CloseGrace is how long a browser has to answer a close frame before the
// connection is closed.
const CloseGrace = 2 * time.Second

// closeFrameTime is the write deadline of the close frame. It fits into the send
// buffer at once unless the browser has long stopped reading.
const closeFrameTime = 100 * time.Millisecond

var errClosed = errors.New("the session ended")

// Conn is the browser's end of a WebSocket. It parses the frame headers of the
// upstream, so that our close frame can be written between two frames.
type Conn struct {
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

// New makes a socket whose connection comes later, see Attach. CloseWithFrame may
// be called before.
func New() *Conn { return &Conn{ended: make(chan struct{})} }

// Attach sets the connection that was taken from net/http, and net/http's buffers.
func (s *Conn) Attach(conn net.Conn, buffers *bufio.ReadWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Conn, s.buffers = conn, buffers
	s.ready.Store(true)
}

// CloseWithFrame ends the socket because its session has ended. It never waits
// for a client that does not read.
func (s *Conn) CloseWithFrame(code int, reason string) {
	frame := CloseFrame(code, reason)
	if !s.closing.CompareAndSwap(nil, &frame) {
		return
	}
	close(s.ended)
	if s.ready.Load() {
		// Also wakes a Write to a client that does not read.
		_ = s.Conn.SetDeadline(time.Now().Add(CloseGrace))
	}
	if s.mu.TryLock() { // else a Write is under way, which checks closing at its end
		s.writeCloseFrame()
		s.mu.Unlock()
	}
}

// writeCloseFrame writes the close frame if a frame may begin here. s.mu is held.
func (s *Conn) writeCloseFrame() {
	frame := s.closing.Load()
	if frame == nil || s.closed || !s.opened.Load() {
		return
	}
	_ = s.Conn.SetDeadline(time.Now().Add(CloseGrace))
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
func (s *Conn) open() {
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
func (s *Conn) Read(p []byte) (n int, err error) {
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
			return 0, errClosed
		}
	}
}

// io.Copy uses these; without them it allocates 32 KiB for each direction.
var (
	_ io.WriterTo   = (*Conn)(nil)
	_ io.ReaderFrom = (*Conn)(nil)
)

// WriteTo copies from the client.
func (s *Conn) WriteTo(upstream io.Writer) (int64, error) { return copyQuietly(upstream, s) }

// ReadFrom copies from the upstream.
func (s *Conn) ReadFrom(upstream io.Reader) (int64, error) { return copyQuietly(s, upstream) }

// Write writes to the client.
func (s *Conn) Write(p []byte) (int, error) {
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

func (s *Conn) writeFrames(p []byte) (int, error) {
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
