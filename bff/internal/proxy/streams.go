package proxy

import (
	"context"
	"io"
	"mime"
	"sync"
	"time"
)

// Close codes of RFC 6455 §7.4; the 4000s are an application's own.
const (
	CloseGoingAway      = 1001
	CloseSessionRevoked = 4401
)

// stream is a live connection, a WebSocket or an event stream, that must be closed
// when its session ends.
type stream struct {
	sessionID string
	socket    bool
	latest    time.Time                     // when its session ends; zero: never
	end       func(code int, reason string) // does not block
}

// streams is the registry of live connections, by session.
type streams struct {
	mu        sync.Mutex
	bySession map[string]map[*stream]struct{}
	count     int
	sockets   int           // of them WebSockets
	empty     chan struct{} // closed when count falls to 0; nil while Shutdown does not wait
	closing   bool          // Shutdown has begun
}

// register reports whether Shutdown has begun.
func (s *streams) register(st *stream) (closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bySession == nil {
		s.bySession = make(map[string]map[*stream]struct{})
	}
	of := s.bySession[st.sessionID]
	if of == nil {
		of = make(map[*stream]struct{}, 1)
		s.bySession[st.sessionID] = of
	}
	of[st] = struct{}{}
	s.count++
	if st.socket {
		s.sockets++
	}
	return s.closing
}

func (s *streams) unregister(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.bySession[st.sessionID]
	delete(of, st)
	if len(of) == 0 {
		delete(s.bySession, st.sessionID)
	}
	s.count--
	if st.socket {
		s.sockets--
	}
	if s.count == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

func (s *streams) ofSession(sessionID string) (list []*stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.bySession[sessionID] {
		list = append(list, st)
	}
	return list
}

// CloseSession ends the live connections of a session: WebSockets with the close
// code 4401 and the reason, event streams by the end of their body. It returns their
// number, and does not wait for their end.
func (p *Proxy) CloseSession(sessionID, reason string) int {
	live := p.streams.ofSession(sessionID)
	for _, st := range live {
		st.end(CloseSessionRevoked, reason)
	}
	return len(live)
}

// streamTick is how late a stream may be closed after the end of its session.
const streamTick = 500 * time.Millisecond

// RunStreams closes streams at the end of their session, until ctx is done.
func (p *Proxy) RunStreams(ctx context.Context) error {
	tick := time.NewTicker(streamTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for _, st := range p.streams.expired(p.now()) {
				st.end(CloseSessionRevoked, "expired")
			}
		}
	}
}

func (s *streams) expired(now time.Time) (list []*stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.bySession {
		for st := range of {
			if !st.latest.IsZero() && !now.Before(st.latest) {
				list = append(list, st)
			}
		}
	}
	return list
}

// Live is the number of open WebSockets and event streams.
func (p *Proxy) Live() int {
	p.streams.mu.Lock()
	defer p.streams.mu.Unlock()
	return p.streams.count
}

// Shutdown ends all streams, WebSockets with the close code 1001, and waits
// until they are closed or ctx is done. [http.Server.Shutdown] does not close
// WebSockets, and would wait for event streams until its deadline.
func (p *Proxy) Shutdown(ctx context.Context) error {
	s := &p.streams
	s.mu.Lock()
	s.closing = true
	if s.count == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	var live []*stream
	for _, of := range s.bySession {
		for st := range of {
			live = append(live, st)
		}
	}
	s.mu.Unlock()
	for _, st := range live {
		st.end(CloseGoingAway, restarting)
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const restarting = "the server is restarting"

// registerStream makes the exchange visible to CloseSession. The session may have
// been revoked while the upstream was slow, before the stream was registered, so it
// is checked again afterwards.
func (ex *exchange) registerStream(socket bool, end func(code int, reason string)) error {
	ex.stream = &stream{sessionID: ex.Who.SessionID, socket: socket, end: end}
	if ex.Who.SessionID != "" {
		ex.stream.latest = ex.Caller.StreamEnd()
	}
	if ex.proxy.streams.register(ex.stream) {
		end(CloseGoingAway, restarting) // a client that reconnects at once would hold up the shutdown
	}
	if ex.Who.SessionID != "" && !ex.Caller.Alive() {
		return errSessionEnded
	}
	return nil
}

func (ex *exchange) unregisterStream() {
	if ex.stream != nil {
		ex.proxy.streams.unregister(ex.stream)
	}
}

// endStream ends an event stream.
func (ex *exchange) endStream(int, string) {
	ex.ended.Store(true)
	ex.Cancel(errSessionEnded)
}

// eventStream is the body of a text/event-stream answer. When its session
// ends the browser gets a complete response instead of a broken connection, and
// its reconnect is answered with 401.
type eventStream struct {
	io.ReadCloser
	ex *exchange
}

func (b *eventStream) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.ex.ended.Load() {
		err = io.EOF
	}
	return n, err
}

func isEventStream(contentType string) bool {
	if len(contentType) < len("text/event-stream") {
		return false
	}
	base, _, _ := mime.ParseMediaType(contentType)
	return base == "text/event-stream"
}
