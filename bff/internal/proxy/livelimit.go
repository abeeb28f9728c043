package proxy

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// MaxLive is how many live connections, WebSockets and event streams, one
// session may have through this instance: more tabs than anybody has. Each
// holds two sockets for hours; one member had 900. Without a session it is that
// many for a network, an IPv4 address or an IPv6 /64.
const MaxLive = 100

var errTooManyLive = errors.New("too many live connections")

// liveSlots counts live connections by session or network.
type liveSlots struct {
	mu   sync.Mutex
	held map[string]int
}

func (s *liveSlots) take(key string) bool {
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

func (s *liveSlots) release(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[key]--; s.held[key] <= 0 {
		delete(s.held, key)
	}
}

// wantsLive reports whether a request asks for a live connection: a WebSocket,
// or what an EventSource says. Other clients may be sent an event stream
// without asking; that is seen when its header arrives.
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

// takeLive takes one of the client's live connections, if the exchange has none
// yet, and reports false when there is none left.
func (ex *exchange) takeLive() bool {
	if ex.slot != "" {
		return true
	}
	key := "session " + ex.who.SessionID
	if ex.who.SessionID == "" {
		ip, _, _ := ex.proxy.forwarded(ex.in)
		key = "network " + network(ip)
	}
	if !ex.proxy.live.take(key) {
		return false
	}
	ex.slot = key
	return true
}

// releaseLive gives it back, unless a WebSocket has taken it over.
func (ex *exchange) releaseLive() {
	if ex.slot != "" {
		ex.proxy.live.release(ex.slot)
		ex.slot = ""
	}
}

// network is what one client can be expected to have to itself.
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
