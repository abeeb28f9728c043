package proxy

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// MaxLive limits the live connections, WebSockets and event streams, of one session
// through this instance: more than a person has tabs. Each holds two sockets for
// hours; one member had 900. Without a session the limit is that of a network, an
// IPv4 address or an IPv6 /64.
const MaxLive = 100

var errTooManyLive = errors.New("too many live connections")

// liveSlots counts live connections by session or network.
type liveSlots struct {
	mu   sync.Mutex
	held map[string]int
}

func (s *liveSlots) takeSlot(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key] >= MaxLive {
		return false
	}
	if s.held == nil {
		s.held = make(map[string]int)
	}
	s.held[key]++
	return true
}

func (s *liveSlots) releaseSlot(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key]--; s.held[key] <= 0 {
		delete(s.held, key)
	}
}

// wantsLive reports whether a request is for a live connection: the handshake of a
// WebSocket, or the Accept header of an EventSource. Other requests may be answered
// with an event stream too, which is counted when its header arrives.
func wantsLive(h http.Header) bool {
	if wantsUpgrade(h) {
		return true
	}
	for _, v := range h["Accept"] {
		for part := range strings.SplitSeq(v, ",") {
			mediaType, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.Trim(mediaType, " \t"), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

// takeLive takes one of the client's slots for live connections, unless the exchange
// has one already. It reports false when all are taken.
func (ex *exchange) takeLive() bool {
	if ex.slot != "" {
		return true
	}
	key := "session " + ex.Who.SessionID
	if ex.Who.SessionID == "" {
		key = "network " + network(ex.ClientIP)
	}
	if !ex.proxy.live.takeSlot(key) {
		return false
	}
	ex.slot = key
	return true
}

// releaseLive releases the slot, unless a WebSocket keeps it.
func (ex *exchange) releaseLive() {
	if ex.slot != "" {
		ex.proxy.live.releaseSlot(ex.slot)
		ex.slot = ""
	}
}

// network returns the address range that belongs to one client.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
