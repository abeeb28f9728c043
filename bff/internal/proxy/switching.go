package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// switchProtocols answers the client with the upstream's 101 and leaves the
// connection to two goroutines: the request, and its handlers' stack, kept as
// long as the WebSocket took 40 KiB for one on which nothing happens.
func (ex *exchange) switchProtocols(res *http.Response) error {
	upstream, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !wantsUpgrade(ex.in.Header) || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		return errors.Join(errBadStatus, res.Body.Close())
	}
	ex.filterResponseHeader(res.Header, ex.w.Header())
	s, err := ex.takeOver(res.Header)
	if err != nil {
		return errors.Join(err, upstream.Close())
	}
	live, slot, p := ex.stream, ex.slot, ex.proxy
	ex.stream, ex.slot = nil, "" // they go when the socket does, not with the request
	s.carry(upstream, p.stallTimeout, func() {
		p.streams.remove(live)
		p.live.release(slot)
	})
	return nil
}

// takeOver writes the 101.
func (ex *exchange) takeOver(answer http.Header) (*socket, error) {
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

// carry copies both ways. A client that has hung up may still hear the rest for
// a while, unless the session ends: a WebSocket is closed by its server (RFC 6455
// §7.1.1), so mostly it is a client that is gone, and an upstream with nothing to
// say would keep its socket for good. When the upstream hangs up, that is the end.
func (s *socket) carry(upstream io.ReadWriteCloser, patience time.Duration, gone func()) {
	hangUp := func() { _, _ = upstream.Close(), s.Close() }
	said, heard := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(said)
		_, err := s.WriteTo(upstream)
		if half, ok := upstream.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
			select {
			case <-heard:
				return
			case <-s.ended:
				time.AfterFunc(closeGrace, hangUp) // for our close frame, which nobody answers
				return
			case <-time.After(patience):
			}
		}
		hangUp()
	}()
	go func() {
		_, _ = s.ReadFrom(upstream)
		hangUp()
		close(heard)
		<-said
		gone()
	}()
}
