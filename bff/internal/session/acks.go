package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/fairqueue"
	"github.com/gatehouse-bff/gatehouse/bff/internal/outagelog"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// ackTracker records the acknowledgements that requests carry: the first request
// with an access token of a generation proves that the cookies of that generation
// arrived, and each request that the session is in use. It costs one store write
// per rotation and one a minute, off the request's path, and a map look-up per
// request.
type ackTracker struct {
	records Store
	outages *outagelog.Log

	mu   sync.RWMutex
	seen map[string]ack // by session

	queue *fairqueue.Queue[ack]
}

type ack struct {
	userID, sessionID string
	generation        uint32
	at                time.Time // first use
	seen              time.Time // latest use that was queued to be written
	expires           time.Time // the access token's: later ones are of another generation
}

// seenEvery is how stale "last seen" may be.
const seenEvery = time.Minute

const (
	maxAcks    = 1 << 17 // about 25 MB; past it, acks are proved again
	maxQueued  = 4096
	ackTimeout = 3 * time.Second
)

func newAckTracker(records Store, log *slog.Logger, now func() time.Time) *ackTracker {
	return &ackTracker{
		records: records, outages: outagelog.New(log, now,
			"acknowledgements of rotations are not stored; the next request of each session tries again", "acknowledgements of rotations are stored again"),
		seen: make(map[string]ack), queue: fairqueue.New(maxQueued, func(e ack) string { return e.userID }),
	}
}

// noteUse records that a's generation is in use.
func (r *ackTracker) noteUse(a token.Access, now time.Time) {
	r.mu.RLock()
	known := r.seen[a.SessionID]
	r.mu.RUnlock()
	if !known.isNews(a, now) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known = r.seen[a.SessionID]
	if !known.isNews(a, now) {
		return
	}
	entry := ack{userID: a.UserID, sessionID: a.SessionID, generation: a.Generation, at: now, seen: now, expires: a.ExpiresAt}
	if known.generation == a.Generation {
		entry.at = known.at
	}
	// An ack that is dropped from a full queue is proved again by the next
	// request of its session.
	switch dropped, full := r.queue.Push(entry); {
	case full && dropped == entry:
		return
	case full:
		r.forget(dropped)
	}
	if len(r.seen) >= maxAcks {
		r.prune(now)
	}
	r.seen[a.SessionID] = entry
}

// isNews reports whether the store does not have this generation's use yet, or a
// "last seen" that is seenEvery old. The first generation needs no ack: it has no
// parent that could be presented, and LastSeenAt is the time of its issue.
func (known ack) isNews(a token.Access, now time.Time) bool {
	if a.Generation > max(known.generation, 1) {
		return true
	}
	last := a.IssuedAt
	if known.seen.After(last) {
		last = known.seen
	}
	return now.Sub(last) >= seenEvery && a.Generation >= known.generation
}

func (r *ackTracker) prune(now time.Time) {
	for id, e := range r.seen {
		if !now.Before(e.expires) {
			delete(r.seen, id)
		}
	}
	if len(r.seen) >= maxAcks*3/4 {
		clear(r.seen) // or every insert would scan the map again
	}
}

// applyTo adds this instance's ack to a record read from the store, where it may
// not have been written yet.
func (r *ackTracker) applyTo(rec Record) Record {
	if !rec.ReceivedAt.IsZero() {
		return rec
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e, ok := r.seen[rec.ID]; ok && e.generation == rec.Generation {
		rec.ReceivedAt = e.at
	}
	return rec
}

// writeLoop writes acks until ctx ends, then those still queued.
func (r *ackTracker) writeLoop(ctx context.Context) error {
	// A write under way is finished even when ctx ends during it.
	writing := context.WithoutCancel(ctx)
	for {
		select {
		case <-r.queue.Ready():
			for _, e := range r.queue.Pop(1) {
				r.writeAck(writing, e)
			}
		case <-ctx.Done():
			r.drain(writing)
			return ctx.Err()
		}
	}
}

// drain writes the queued acks and stops at the first failure: a lost ack costs
// one more proof, waiting for the store would delay the shutdown.
func (r *ackTracker) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastTry)
	defer cancel()
	for next := r.queue.Pop(1); len(next) > 0; next = r.queue.Pop(1) {
		if !r.writeAck(ctx, next[0]) {
			return
		}
	}
}

func (r *ackTracker) writeAck(ctx context.Context, e ack) (ok bool) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	err := r.storeAck(ctx, e)
	if err == nil || errors.Is(err, ErrNoSession) {
		r.outages.Worked()
		return true
	}
	r.outages.Failed(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(e)
	return false
}

// forget makes the next request prove the use that e records. r.mu is held.
func (r *ackTracker) forget(e ack) {
	if r.seen[e.sessionID].generation == e.generation {
		delete(r.seen, e.sessionID)
	}
}

func (r *ackTracker) storeAck(ctx context.Context, e ack) error {
	for range maxSwaps {
		rec, err := r.records.Get(ctx, e.userID, e.sessionID)
		if err != nil {
			return err
		}
		next := rec
		if rec.Generation == e.generation && rec.ReceivedAt.IsZero() && e.generation > 1 {
			next.ReceivedAt = e.at.Truncate(time.Millisecond)
		}
		if e.seen.Sub(rec.LastSeenAt) >= seenEvery {
			next.LastSeenAt = e.seen.Truncate(time.Millisecond)
		}
		if next == rec {
			return nil // overtaken by a rotation, or another instance was first
		}
		if err := r.records.Swap(ctx, rec, next); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}
