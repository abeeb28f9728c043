package auth

import (
	"context"
	"log/slog"
	"time"
)

// WithClient makes a context that has a Client, as a request's has.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, ClientKey{}, c)
}

// AccountChanged tells this instance, which may not be the one that wrote it.
func (s *Service) AccountChanged(ctx context.Context, userID string, a Account) error {
	return s.accountChanged(ctx, userID, func(context.Context) (Account, error) { return a, nil }, true)
}

// SettleRest is what every instance does again and again.
func (s *Service) SettleRest(ctx context.Context) { s.settleRest(ctx) }

// RetentionRounds gives what an instance does every ten minutes.
func RetentionRounds(s *Service) func(context.Context) {
	return (&retention{s: s, holder: newID()}).round
}

// NoticeQueue delivers, in less time, whatever is added.
type NoticeQueue struct{ q *notices }

// NewNoticeQueue makes one whose next attempts come after so many steps.
func NewNoticeQueue(m Mailer, log *slog.Logger, observe func(string), attempt, drain time.Duration, backoff ...int) NoticeQueue {
	q := newNotices(m, log, time.Now, observe)
	q.pace = noticePace{step: time.Millisecond, backoff: backoff, attempt: attempt, drain: drain}
	q.due = func(context.Context, Notice) (string, error) { return "", nil }
	return NoticeQueue{q}
}

// Add never waits.
func (q NoticeQueue) Add(n Notice) { q.q.add(n) }

// Run is part of Service.Run.
func (q NoticeQueue) Run(ctx context.Context) error { return q.q.run(ctx) }

// MaxNotices is how many fit into the queue.
const MaxNotices = maxNotices

// MaxTrail is how many events fit into the queue of the audit trail.
const MaxTrail = maxTrail

// Record queues an event, as whatever brings one about does.
func (s *Service) Record(e Event) { s.trail.add(e) }

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
func NewUnfinished(sessions Sessions, log *slog.Logger) *Unfinished {
	q := &Unfinished{}
	q.u = newUnfinished(sessions, log, func(o signOut) { q.done = append(q.done, o.event.Detail) })
	return q
}

// Add is what a sign-out does that met a store that was away.
func (q *Unfinished) Add(ends ...Revocation) {
	q.u.add(signOut{ends: ends, event: Event{Type: EventSessionRevoked}})
}

// Of is how many sessions of a user wait, Len of all.
func (q *Unfinished) Of(userID string) int { return q.u.byUser[userID] }

// Len is how many sessions wait.
func (q *Unfinished) Len() int { return q.u.count }

// Finish works it off, and gives the details of the events.
func (q *Unfinished) Finish(ctx context.Context) []string {
	_ = q.u.finish(ctx)
	return q.done
}
