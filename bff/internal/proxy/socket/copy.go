package socket

import (
	"io"
	"sync"
	"time"
)

// idleBuffer is the buffer of one direction of an idle WebSocket; most messages fit
// into it. With io.Copy's 32 KiB each way ten thousand idle sockets took 640 MB.
const idleBuffer = 1 << 10

// burstBuffer is the buffer of a direction while large messages pass.
const burstBuffer = 32 << 10

var burstBuffers = sync.Pool{New: func() any { return new([burstBuffer]byte) }}

// copyQuietly is io.Copy for connections that are mostly idle. A large buffer is
// taken from the pool when a read fills the small one, and returned after a read
// that would have fitted into the small one. Returning it after each message cost
// messages of 64 KiB a fifth of their speed.
func copyQuietly(dst io.Writer, src io.Reader) (written int64, err error) {
	small := make([]byte, idleBuffer)
	buf := small
	var large *[burstBuffer]byte
	release := func() {
		if large != nil {
			burstBuffers.Put(large)
			large, buf = nil, small
		}
	}
	defer release()
	for {
		n, err := src.Read(buf)
		if n > 0 {
			w, writeErr := dst.Write(buf[:n])
			written += int64(w)
			if writeErr != nil {
				return written, writeErr
			}
			if w < n {
				return written, io.ErrShortWrite
			}
		}
		switch {
		case err == io.EOF:
			return written, nil
		case err != nil:
			return written, err
		case n < idleBuffer:
			release()
		case large == nil:
			large = burstBuffers.Get().(*[burstBuffer]byte)
			buf = large[:]
		}
	}
}

// CopyBothWays copies between client and upstream. When the client closes its
// half, the upstream may still send for stallTimeout, unless the session ends. A
// WebSocket is closed by its server (RFC 6455 §7.1.1), so mostly the client has
// left, and a silent upstream would keep the socket for good. When the upstream
// closes, both connections are closed. It does not wait: release is called at the
// end.
func (s *Conn) CopyBothWays(upstream io.ReadWriteCloser, stallTimeout time.Duration, release func()) {
	closeBoth := func() { _, _ = upstream.Close(), s.Close() }
	fromClient, fromUpstream := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fromClient)
		_, err := s.WriteTo(upstream)
		if half, ok := upstream.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
			select {
			case <-fromUpstream:
				return
			case <-s.ended:
				time.AfterFunc(CloseGrace, closeBoth) // for our close frame; the client cannot answer it
				return
			case <-time.After(stallTimeout):
			}
		}
		closeBoth()
	}()
	go func() {
		_, _ = s.ReadFrom(upstream)
		closeBoth()
		close(fromUpstream)
		<-fromClient
		release()
	}()
}
