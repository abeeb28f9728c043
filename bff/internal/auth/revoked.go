package auth

import (
	"context"
	"sync"
	"time"
)

// revocationList is this instance's memory of sessions that ended before
// their time. An access token is verified without I/O, so it is the list that
// makes a sign-out kill tokens that have not expired. An entry lives for one
// access TTL: then the last token of that session is gone by itself.
type revocationList struct {
	source Revocations
	keep   time.Duration
	now    func() time.Time

	mu      sync.RWMutex
	until   map[string]time.Time // by session
	pruneAt int
	onEnd   func(Revocation)
}

const minPrune = 1024

func newRevocationList(source Revocations, keep time.Duration, now func() time.Time, onEnd func(Revocation)) *revocationList {
	return &revocationList{source: source, keep: keep, now: now, until: make(map[string]time.Time), pruneAt: minPrune, onEnd: onEnd}
}

func (l *revocationList) has(sessionID string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.until[sessionID]
	return ok
}

// add may be told of one revocation more than once; live connections are
// closed the first time.
func (l *revocationList) add(r Revocation) {
	now := l.now()
	l.mu.Lock()
	_, known := l.until[r.SessionID]
	l.until[r.SessionID] = now.Add(l.keep)
	if len(l.until) >= l.pruneAt {
		for id, until := range l.until {
			if !now.Before(until) {
				delete(l.until, id)
			}
		}
		l.pruneAt = max(minPrune, 2*len(l.until))
	}
	l.mu.Unlock()
	if !known && l.onEnd != nil {
		l.onEnd(r)
	}
}

func (l *revocationList) run(ctx context.Context) error {
	return l.source.Follow(ctx, l.keep, l.add)
}
