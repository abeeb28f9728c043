package auth

import (
	"context"
	"time"
)

// AuditKeeper shortens the audit trail. Each call is one small step: a big one
// would hold up what is written meanwhile, and the replicas.
type AuditKeeper interface {
	// Lease reports whether holder alone has the task of that name until then:
	// it had it already, or it is free, or the time of the one that had it is over.
	Lease(ctx context.Context, task, holder string, until time.Time) (bool, error)
	// Prune deletes the oldest events that are from before then, some of them,
	// and says how many; 0 when there are none.
	Prune(ctx context.Context, before time.Time) (int, error)
	// Redact takes address and browser out of some events about a user, and says
	// out of how many; 0 when there are none with either.
	Redact(ctx context.Context, userID string) (int, error)
}

// Retention is what becomes of the audit trail with time.
type Retention struct {
	// Keep is how long events are kept; 0: for ever.
	Keep time.Duration
	// RedactDeleted takes address and browser out of the events about accounts
	// that are deleted.
	RedactDeleted bool
}

const (
	retentionTask = "audit retention"
	// retentionLease is how long the work rests when the instance that does it
	// has died.
	retentionLease = 5 * time.Minute
	// retentionEvery is the pause between two rounds; less where events are kept
	// for less than a few hours.
	retentionEvery = 10 * time.Minute
	// retentionRest is the pause between two steps: others have their turn.
	retentionRest = 50 * time.Millisecond
	// redactAgain is how far back a round looks again: events about an account
	// may be stored after the one that says that it is deleted.
	redactAgain = 24 * time.Hour
)

// retention is the work of one instance for all.
type retention struct {
	s        *Service
	holder   string
	held     time.Time // until then, by our clock
	redacted time.Time // accounts deleted before then are done
}

// runRetention shortens the trail until ctx ends, if that is wanted.
func (s *Service) runRetention(ctx context.Context) error {
	if s.keeper == nil || s.retention == (Retention{}) {
		<-ctx.Done()
		return ctx.Err()
	}
	every := retentionEvery
	if keep := s.retention.Keep; keep > 0 {
		every = max(time.Second, min(every, keep/10))
	}
	r := &retention{s: s, holder: newID()}
	for ctx.Err() == nil {
		r.round(ctx)
		rest(ctx, every)
	}
	return ctx.Err()
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// round does what there is to do, if it is this instance's turn.
func (r *retention) round(ctx context.Context) {
	r.held = time.Time{}
	var deleted, redacted int
	err := error(nil)
	if r.s.retention.Keep > 0 {
		deleted, err = r.steps(ctx, func() (int, error) {
			return r.s.keeper.Prune(ctx, r.s.now().Add(-r.s.retention.Keep))
		})
	}
	if err == nil && r.s.retention.RedactDeleted {
		redacted, err = r.redactDeleted(ctx)
	}
	if deleted+redacted > 0 {
		r.s.log.Info("audit trail shortened", "deleted", deleted, "redacted", redacted)
	}
	if err != nil && ctx.Err() == nil {
		r.s.log.Warn("audit trail not shortened", "error", err)
	}
}

// steps repeats a step until it finds nothing to do, or another instance has the
// task.
func (r *retention) steps(ctx context.Context, step func() (int, error)) (total int, err error) {
	for {
		if mine, err := r.lease(ctx); err != nil || !mine {
			return total, err
		}
		n, err := step()
		if total += n; err != nil || n == 0 {
			return total, err
		}
		if rest(ctx, retentionRest); ctx.Err() != nil {
			return total, ctx.Err()
		}
	}
}

// lease keeps the task, which half of its time before the end is asked for again.
func (r *retention) lease(ctx context.Context) (bool, error) {
	now := r.s.now()
	if r.held.Sub(now) > retentionLease/2 {
		return true, nil
	}
	until := now.Add(retentionLease)
	mine, err := r.s.keeper.Lease(ctx, retentionTask, r.holder, until)
	if mine {
		r.held = until
	}
	return mine && err == nil, err
}

// redactDeleted goes through the deleted accounts, the last one first, until those
// that an earlier round has done.
func (r *retention) redactDeleted(ctx context.Context) (total int, err error) {
	began := r.s.now()
	for after := (Position{}); ; {
		if mine, err := r.lease(ctx); err != nil || !mine {
			return total, err
		}
		list, err := r.s.audit.Page(ctx, EventQuery{Type: EventAccountDeleted, After: after, Limit: pageSize})
		if err != nil {
			return total, err
		}
		for _, e := range list {
			if e.At.Before(r.redacted) {
				list = nil
				break
			}
			n, err := r.steps(ctx, func() (int, error) { return r.s.keeper.Redact(ctx, e.UserID) })
			if total += n; err != nil {
				return total, err
			}
		}
		if len(list) < pageSize {
			r.redacted = began.Add(-redactAgain)
			return total, nil
		}
		after = Position{At: list[len(list)-1].At, ID: list[len(list)-1].ID}
	}
}
