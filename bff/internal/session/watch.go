package session

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// watchers are the live event streams of this instance, by session.
type watchers struct {
	mu        sync.Mutex
	bySession map[string]map[chan Revocation]struct{}
}

// maxWatchers is how many event streams one session may have: more tabs than
// people open, and no way to fill the memory with one sign-in.
const maxWatchers = 100

// watchBuffer is how many events a stream may lag; the end of a session is the
// last one.
const watchBuffer = 8

// Watch returns the events of a session from now on, until stop is called.
// Earlier events are not repeated: call Alive and IsStale after Watch. A session
// with maxWatchers streams is refused.
func (m *Manager) Watch(sessionID string) (news <-chan Revocation, stop func(), err error) {
	w := &m.watchers
	ch := make(chan Revocation, watchBuffer)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bySession == nil {
		w.bySession = make(map[string]map[chan Revocation]struct{})
	}
	if w.bySession[sessionID] == nil {
		w.bySession[sessionID] = make(map[chan Revocation]struct{}, 1)
	}
	if len(w.bySession[sessionID]) >= maxWatchers {
		return nil, nil, &refusal.Error{Code: refusal.TooManyAttempts, Detail: "This session has too many event streams open. Close some tabs.", RetryAfter: time.Minute}
	}
	w.bySession[sessionID][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.bySession[sessionID], ch)
		if len(w.bySession[sessionID]) == 0 {
			delete(w.bySession, sessionID)
		}
	}, nil
}

// Watching returns the number of open event streams.
func (m *Manager) Watching() (count int) {
	w := &m.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.bySession {
		count += len(of)
	}
	return count
}

func (w *watchers) notify(r Revocation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.bySession[r.SessionID] {
		select {
		case ch <- r:
			continue
		default:
		}
		// The stream reads slowly. The oldest event is dropped, never the newest:
		// the end of a session was dropped behind eight changes of the role, and
		// the stream went on.
		select {
		case <-ch:
		default:
		}
		select {
		case ch <- r:
		default:
		}
	}
}

// Alive reports whether this instance knows of no revocation of the session: a
// live connection opened during the revocation must not survive it.
func (m *Manager) Alive(sessionID string) bool {
	return m.revoked.stateOf(sessionID, TokenPair{}) != tokenEnded
}

// IsStale reports whether the account has changed since a request was
// authenticated: its role may differ by now.
func (m *Manager) IsStale(who Principal) bool {
	return m.revoked.stateOf(who.SessionID, who.pair) == tokenStale
}

// AbsoluteEnd is when the session ends in any case, for closing live connections.
// refresh is the browser's refresh token, "" when it has none; then the store is
// read, and while that is away the end of the access token is used.
func (m *Manager) AbsoluteEnd(ctx context.Context, who Principal, refresh string) time.Time {
	if who.record != nil {
		return who.record.AbsoluteEnd
	}
	if r, err := m.tokens.VerifyRefresh(refresh, m.now()); err == nil && r.SessionID == who.SessionID {
		return r.AbsoluteEnd
	}
	if rec, err := m.store.Get(ctx, who.UserID, who.SessionID); err == nil {
		return rec.AbsoluteEnd
	}
	return who.accessEnd
}
