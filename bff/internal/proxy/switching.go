package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/socket"
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
	s.CopyBothWays(conn, p.stallTimeout, func() {
		p.streams.unregister(live)
		p.live.releaseSlot(slot)
	})
	return nil
}

// hijack101 takes the client's connection from net/http and writes the 101.
func (ex *exchange) hijack101(answer http.Header) (*socket.Conn, error) {
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
	return conn.(*socket.Conn), nil
}

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
