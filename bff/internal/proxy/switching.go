package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

// switchProtocols sends the upstream's 101 to the client and leaves the connection
// to two goroutines. Keeping the request and its handlers' stack as long as the
// WebSocket took 40 KiB for each idle one.
func (ex *exchange) switchProtocols(res *http.Response) error {
	conn, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !wantsUpgrade(ex.in.Header) || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		return errors.Join(upstream.ErrBadStatus, res.Body.Close())
	}
	ex.filterResponseHeader(res.Header, ex.w.Header())
	s, err := ex.hijack101(res.Header)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	live, slot, p := ex.stream, ex.slot, ex.proxy
	ex.stream, ex.slot = nil, "" // released with the socket, not with the request
	s.copyBothWays(conn, p.stallTimeout, func() {
		p.streams.unregister(live)
		p.live.releaseSlot(slot)
	})
	return nil
}

// hijack101 takes the client's connection from net/http and writes the 101.
func (ex *exchange) hijack101(answer http.Header) (*socket, error) {
	conn, buffers, err := ex.w.Hijack()
	if err != nil {
		return nil, err
	}
	h := ex.w.Header()
	for name, values := range answer {
		h[name] = append(h[name], values...)
	}
	head := &http.Response{StatusCode: http.StatusSwitchingProtocols, ProtoMajor: 1, ProtoMinor: 1, Header: h}
	if err := errors.Join(head.Write(buffers), buffers.Flush()); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn.(*socket), nil
}

// copyBothWays copies between client and upstream. When the client closes its
// half, the upstream may still send for stallTimeout, unless the session ends. A
// WebSocket is closed by its server (RFC 6455 §7.1.1), so mostly the client has
// left, and a silent upstream would keep the socket for good. When the upstream
// closes, both connections are closed.
func (s *socket) copyBothWays(upstream io.ReadWriteCloser, stallTimeout time.Duration, release func()) {
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
				time.AfterFunc(closeGrace, closeBoth) // for our close frame; the client cannot answer it
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
