package auth

import (
	"context"
	"sync"
	"time"
)

// revocationList is this instance's memory of sessions that ended before
// their time, and of those whose access tokens were overtaken by a change of
// role. An access token is verified without I/O, so it is the list that makes
// a sign-out kill tokens that have not expired. An entry lives for one access
// TTL: then the last token it speaks of is gone by itself.
type revocationList struct {
	source Revocations
	keep   time.Duration
	now    func() time.Time
	onNews func(Revocation) // told of each revocation once
	lag    func(time.Duration)

	caughtUp     chan struct{} // closed by markCaughtUp: all that ended before the start is known
	markCaughtUp func()

	mu      sync.RWMutex
	marks   map[string]mark // by session
	pruneAt int
}

type mark struct {
	ended  bool
	since  Pair // access tokens of pairs before it are overtaken; zero: none
	forget time.Time
}

// standing is what the list says of a genuine, unexpired access token.
type standing int

const (
	good  standing = iota
	stale          // the session goes on, this token does not
	ended
)

const (
	minPrune = 1024
	// skew is how far the clocks of instances may be apart.
	skew = time.Minute
)

func newRevocationList(source Revocations, keep time.Duration, now func() time.Time, onNews func(Revocation)) *revocationList {
	caughtUp := make(chan struct{})
	return &revocationList{
		source: source, keep: keep, now: now, onNews: onNews, lag: func(time.Duration) {}, marks: make(map[string]mark), pruneAt: minPrune,
		caughtUp: caughtUp, markCaughtUp: sync.OnceFunc(func() { close(caughtUp) }),
	}
}

func (l *revocationList) of(sessionID string, p Pair) standing {
	l.mu.RLock()
	m, known := l.marks[sessionID]
	l.mu.RUnlock()
	switch {
	case !known:
		return good
	case m.ended:
		return ended
	case p.Before(m.since):
		return stale
	}
	return good
}

// add may be told of one revocation more than once; it is news once.
func (l *revocationList) add(r Revocation) {
	now := l.now()
	l.mu.Lock()
	m := l.marks[r.SessionID]
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
	l.marks[r.SessionID] = m
	if len(l.marks) >= l.pruneAt {
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

// isCaughtUp: what is told before is history, and says nothing of how quick
// the news is.
func (l *revocationList) isCaughtUp() bool {
	select {
	case <-l.caughtUp:
		return true
	default:
		return false
	}
}

func (l *revocationList) prune(now time.Time) {
	for id, m := range l.marks {
		if !now.Before(m.forget) {
			delete(l.marks, id)
		}
	}
	l.pruneAt = max(minPrune, 2*len(l.marks))
}

func (l *revocationList) run(ctx context.Context) error {
	return l.source.Follow(ctx, l.keep, l.add, l.markCaughtUp)
}

// since is the pair that the session must have at least.
func (l *revocationList) since(sessionID string) Pair {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.marks[sessionID].since
}
