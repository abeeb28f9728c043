package proxy

import "time"

// Observer is told how upstreams do, for metrics and traces. Answered is
// called for every request and must not allocate. Fields may be nil.
type Observer struct {
	// Answered: the header of an answer is here; took counts from forwarding.
	Answered func(route string, status int, took time.Duration)
	// Failed: a request could not be forwarded. kind is one of a few words.
	Failed func(route, kind string)
}

var kindNames = map[Kind]string{
	Unreachable: "unreachable", Timeout: "timeout", BodyTooLarge: "body_too_large", BadBody: "bad_body", BodyStalled: "body_stalled",
	BadUpgrade: "bad_upgrade", MintFailed: "mint_failed", SessionEnded: "session_ended", TooManyLive: "too_many_live", ClientGone: "client_gone",
}

func (k Kind) name() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "other"
}

// LiveSockets is the part of Live that is WebSockets.
func (p *Proxy) LiveSockets() int {
	p.streams.mu.Lock()
	defer p.streams.mu.Unlock()
	return p.streams.sockets
}
