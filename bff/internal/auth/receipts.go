package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// receipts is the proof that a rotation's cookies arrived: the first request
// with an access token of the new generation. It costs one store write per
// rotation, off the request's path, and a map look-up per request.
type receipts struct {
	sessions Sessions
	log      *slog.Logger

	mu   sync.RWMutex
	seen map[string]receipt // by session

	queue chan receipt
}

type receipt struct {
	userID, sessionID string
	generation        uint32
	at                time.Time // first use
	expires           time.Time // the access token's: later ones are of another generation
}

const (
	maxReceipts    = 1 << 17 // about 25 MB; past it, receipts are proved again
	maxQueued      = 4096
	receiptTimeout = 3 * time.Second
)

func newReceipts(sessions Sessions, log *slog.Logger) *receipts {
	return &receipts{
		sessions: sessions, log: log,
		seen: make(map[string]receipt), queue: make(chan receipt, maxQueued),
	}
}

// note records that a's generation is in use. The first generation needs no
// proof: it has no parent that could be presented.
func (r *receipts) note(a token.Access, now time.Time) {
	if a.Generation <= 1 {
		return
	}
	r.mu.RLock()
	known, ok := r.seen[a.SessionID]
	r.mu.RUnlock()
	if ok && known.generation >= a.Generation {
		return
	}
	entry := receipt{userID: a.UserID, sessionID: a.SessionID, generation: a.Generation, at: now, expires: a.ExpiresAt}

	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.seen[a.SessionID]; ok && known.generation >= a.Generation {
		return
	}
	select {
	case r.queue <- entry:
	default:
		return // full: the next request of this session tries again
	}
	if len(r.seen) >= maxReceipts {
		r.prune(now)
	}
	r.seen[a.SessionID] = entry
}

func (r *receipts) prune(now time.Time) {
	for id, e := range r.seen {
		if !now.Before(e.expires) {
			delete(r.seen, id)
		}
	}
	if len(r.seen) >= maxReceipts {
		clear(r.seen)
	}
}

// apply adds what this instance knows to a record read from the store, where
// the receipt may not have been written yet.
func (r *receipts) apply(rec Session) Session {
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

// run writes receipts until ctx ends, then those still queued.
func (r *receipts) run(ctx context.Context) error {
	// A write under way is finished also when ctx ends in the middle of it.
	writing := context.WithoutCancel(ctx)
	for {
		select {
		case e := <-r.queue:
			r.write(writing, e)
		case <-ctx.Done():
			r.drain(writing)
			return ctx.Err()
		}
	}
}

func (r *receipts) drain(ctx context.Context) {
	for {
		select {
		case e := <-r.queue:
			r.write(ctx, e)
		default:
			return
		}
	}
}

func (r *receipts) write(ctx context.Context, e receipt) {
	ctx, cancel := context.WithTimeout(ctx, receiptTimeout)
	defer cancel()
	err := r.store(ctx, e)
	if err == nil || errors.Is(err, ErrNoSession) {
		return
	}
	r.log.Warn("receipt of a rotation not stored; the next request of the session tries again", "session", e.sessionID, "error", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[e.sessionID].generation == e.generation {
		delete(r.seen, e.sessionID)
	}
}

func (r *receipts) store(ctx context.Context, e receipt) error {
	for range maxSwaps {
		rec, err := r.sessions.Get(ctx, e.userID, e.sessionID)
		if err != nil {
			return err
		}
		if rec.Generation != e.generation || !rec.ReceivedAt.IsZero() {
			return nil // overtaken by a rotation, or another instance was first
		}
		next := rec
		next.ReceivedAt = e.at.Truncate(time.Millisecond)
		if err := r.sessions.Swap(ctx, rec, next); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}
