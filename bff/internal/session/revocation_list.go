package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// revocationList remembers, on this instance, sessions that ended before their
// time and sessions whose access tokens a change of role made stale. Access
// tokens are verified without I/O, so this list is the only thing that rejects an
// unexpired token after a sign-out. An entry lives for one access TTL: by then
// its last token has expired.
type revocationList struct {
	source Revocations
	keep   time.Duration
	now    func() time.Time
	onNews func(Revocation) // called once for each revocation
	lag    func(time.Duration)

	// lostBefore, in seconds since 1970: access tokens issued before it are not
	// valid without reading the store, see Subscriber.Lost.
	lostBefore atomic.Int64
	onLost     func(before time.Time)

	caughtUp     chan struct{} // closed by markCaughtUp: all that ended before the start is known
	markCaughtUp func()

	mu      sync.RWMutex
	known   map[string]knownRevocation // by session
	pruneAt int
}

type knownRevocation struct {
	ended  bool
	since  TokenPair // access tokens of earlier token pairs are stale; zero: none
	forget time.Time
}

// tokenState is the state of a genuine, unexpired access token by this list.
type tokenState int

const (
	tokenGood  tokenState = iota
	tokenStale            // the session is live, this token is out of date
	tokenEnded
)

const (
	minPrune = 1024
	// skew is how far the clocks of instances may be apart.
	skew = time.Minute
)

func newRevocationList(source Revocations, keep time.Duration, now func() time.Time, onNews func(Revocation)) *revocationList {
	caughtUp := make(chan struct{})
	return &revocationList{
		source: source, keep: keep, now: now, onNews: onNews, onLost: func(time.Time) {}, lag: func(time.Duration) {}, known: make(map[string]knownRevocation), pruneAt: minPrune,
		caughtUp: caughtUp, markCaughtUp: sync.OnceFunc(func() { close(caughtUp) }),
	}
}

// stateOfAccess is stateOf for an access token that is genuine and has not expired. An
// instance with a longer ACCESS_TTL may have minted it: then it outlives this
// instance's memory, and is refreshed once it is as old as this instance's own
// tokens get.
func (l *revocationList) stateOfAccess(a token.Access, now time.Time) tokenState {
	s := l.stateOf(a.SessionID, TokenPair{a.Generation, a.IssuedAt})
	if s == tokenGood && (a.IssuedAt.Unix() < l.lostBefore.Load() || now.Sub(a.IssuedAt) >= l.keep) {
		return tokenStale
	}
	return s
}

// markLost records that revocations from before a moment may be missing. Older access
// tokens are then refreshed from the record, which an ended session does not
// have: a browser notices nothing.
func (l *revocationList) markLost(before time.Time) {
	at := before.Unix()
	for {
		known := l.lostBefore.Load()
		if at <= known {
			return
		}
		if l.lostBefore.CompareAndSwap(known, at) {
			l.onLost(before)
			return
		}
	}
}

func (l *revocationList) stateOf(sessionID string, p TokenPair) tokenState {
	l.mu.RLock()
	m, known := l.known[sessionID]
	l.mu.RUnlock()
	switch {
	case !known:
		return tokenGood
	case m.ended:
		return tokenEnded
	case p.Before(m.since):
		return tokenStale
	}
	return tokenGood
}

// remember records a revocation. A repeated one has no effect.
func (l *revocationList) remember(r Revocation) {
	now := l.now()
	l.mu.Lock()
	m := l.known[r.SessionID]
	news := false
	if r.Reason == ReasonRoleChanged {
		if news = m.since.Before(r.Since) && !m.ended; news {
			m.since = r.Since
		}
	} else {
		news = !m.ended
		m.ended = true
	}
	m.forget = now.Add(l.keep + maxAhead + skew)
	l.known[r.SessionID] = m
	if len(l.known) >= l.pruneAt {
		l.prune(now)
	}
	l.mu.Unlock()
	if news {
		l.onNews(r)
		if l.isCaughtUp() {
			l.lag(now.Sub(r.At))
		}
	}
}

// isCaughtUp reports whether all earlier revocations have arrived: until then
// their lag is not measured.
func (l *revocationList) isCaughtUp() bool {
	select {
	case <-l.caughtUp:
		return true
	default:
		return false
	}
}

func (l *revocationList) prune(now time.Time) {
	for id, m := range l.known {
		if !now.Before(m.forget) {
			delete(l.known, id)
		}
	}
	l.pruneAt = max(minPrune, 2*len(l.known))
}

func (l *revocationList) subscribe(ctx context.Context) error {
	return l.source.Subscribe(ctx, l.keep, Subscriber{Revoked: l.remember, Lost: l.markLost, CaughtUp: l.markCaughtUp})
}

// since returns the oldest token pair of the session that is not stale.
func (l *revocationList) since(sessionID string) TokenPair {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.known[sessionID].since
}
