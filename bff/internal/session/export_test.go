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
func (r RevocationList) Add(ended Revocation) { r.l.add(ended) }

// Len is how many sessions are remembered.
func (r RevocationList) Len() int { return len(r.l.marks) }

// Unfinished is the queue of sign-outs that the store could not carry out.
type Unfinished struct {
	u    *unfinished
	done []string
}

// NewUnfinished makes one that is worked off by Finish alone.
func NewUnfinished(store Store, log *slog.Logger) *Unfinished {
	q := &Unfinished{}
	q.u = newUnfinished(store, log, func(o Ending) {
		_, detail := o.Words()
		q.done = append(q.done, detail)
	})
	return q
}

// Add is what a sign-out does that met a store that was away.
func (q *Unfinished) Add(ends ...Revocation) { q.u.add(Ending{Ends: ends}) }

// Of is how many sessions of a user wait, Len of all.
func (q *Unfinished) Of(userID string) int { return q.u.byUser[userID] }

// Len is how many sessions wait.
func (q *Unfinished) Len() int { return q.u.count }

// Finish works it off, and gives the details of the events.
func (q *Unfinished) Finish(ctx context.Context) []string {
	_ = q.u.finish(ctx)
	return q.done
}
