package session

import (
	"context"
	"log/slog"
	"time"
)

// RevocationList remembers what an instance hears of.
type RevocationList struct{ l *revocationList }

// NewRevocationList makes one that is told by Add alone.
func NewRevocationList(keep time.Duration, now func() time.Time) RevocationList {
	return RevocationList{newRevocationList(nil, keep, now, func(Revocation) {})}
}

// Add is what a follower does.
func (r RevocationList) Add(ended Revocation) { r.l.remember(ended) }

// Len is how many sessions are remembered.
func (r RevocationList) Len() int { return len(r.l.known) }

// PendingSignOuts is the queue of sign-outs that the store could not carry out.
type PendingSignOuts struct {
	u    *pendingSignOuts
	done []string
}

// NewPendingSignOuts makes one that is worked off by Finish alone.
func NewPendingSignOuts(store Store, log *slog.Logger) *PendingSignOuts {
	q := &PendingSignOuts{}
	q.u = newPendingSignOuts(store, log, func(o Ending) {
		_, detail := o.Words()
		q.done = append(q.done, detail)
	})
	return q
}

// Add is what a sign-out does that met a store that was away.
func (q *PendingSignOuts) Add(ends ...Revocation) { q.u.enqueue(Ending{Ends: ends}) }

// Of is how many sessions of a user wait, Len of all.
func (q *PendingSignOuts) Of(userID string) int { return q.u.byUser[userID] }

// Len is how many sessions wait.
func (q *PendingSignOuts) Len() int { return q.u.count }

// Finish works it off, and gives the details of the events.
func (q *PendingSignOuts) Finish(ctx context.Context) []string {
	_ = q.u.retryAll(ctx)
	return q.done
}
