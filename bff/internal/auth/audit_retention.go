package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AuditKeeper shortens the audit trail. Each call is one small step: a big one
// would delay concurrent writes, and the replicas.
type AuditKeeper interface {
	// Clock returns the time of the store: another machine's clock, mostly.
	Clock(ctx context.Context) (time.Time, error)
	// Lease reports whether holder alone has the task of that name until then: it
	// had it already, or the task is free, or the lease of its holder has
	// expired.
	Lease(ctx context.Context, task, holder string, until time.Time) (bool, error)
	// Prune deletes some of the oldest events that are from before then, and
	// returns how many; 0 when there are none.
	Prune(ctx context.Context, before time.Time) (int, error)
	// Redact removes address and browser from some events about a user, and
	// returns from how many; 0 when there are none with either.
	Redact(ctx context.Context, userID string) (int, error)
	// RedactActs reads some events after a position in the trail, the oldest
	// first, and removes address and browser from those that an account for which
	// gone is true caused about another one. It returns from how many, and the
	// position of the last event it read; the zero position at the end of the
	// trail.
	RedactActs(ctx context.Context, gone func(actorID string) bool, after Position) (int, Position, error)
}

// Retention is the policy for old events of the audit trail.
type Retention struct {
	// Keep is how long events are kept; 0: for ever.
	Keep time.Duration
	// RedactDeleted removes address and browser from the events about deleted
	// accounts.
	RedactDeleted bool
}

const (
	retentionTask = "audit retention"
	// retentionLease is how long the work pauses after the instance that does it
	// has died.
	retentionLease = 5 * time.Minute
	// retentionEvery is the pause between two rounds; less where events are kept
	// for less than a few hours.
	retentionEvery = 10 * time.Minute
	// retentionRest is the least pause between two steps, for other work of the
	// database. A step that took longer, on a busy database, is followed by as
	// long a pause.
	retentionRest, longestRest = 50 * time.Millisecond, 5 * time.Second
	// redactAgain is how far back a round repeats: events about an account may be
	// stored after the event of its deletion.
	redactAgain = 24 * time.Hour
)

// A clock that jumps a year ahead makes every event look old.
const (
	// clockSkew is the allowed difference between the clocks of this machine and
	// of the database.
	clockSkew = 5 * time.Minute
	// clockJump is the most time between two readings of the clock, which are
	// minutes apart: more is a clock that was set, or a machine that slept.
	clockJump = time.Hour
	// clockTrial is how long after a jump nothing is deleted: the time to notice
	// that the clock is wrong, when the database is on the same machine.
	clockTrial = 24 * time.Hour
)

// CheckClock compares a clock with that of the database. Nothing is deleted for
// its age while they differ.
func CheckClock(ctx context.Context, keeper AuditKeeper, now time.Time) error {
	theirs, err := keeper.Clock(ctx)
	if err != nil {
		return err
	}
	if ahead := now.Sub(theirs); ahead.Abs() > clockSkew {
		return fmt.Errorf("%w: it is %s here and %s there: set the one that is wrong", errClocksDiffer,
			now.UTC().Format(time.RFC3339), theirs.UTC().Format(time.RFC3339))
	}
	return nil
}

var (
	errClocksDiffer = errors.New("the clocks of this machine and of the database differ, so it is not known how old events are")
	errClockJumped  = errors.New("the clock of this machine has been set forward by more than an hour, or it has slept: for a day nothing is deleted for its age")
)

// retention is the state of the retention work, which one instance does for all.
type retention struct {
	s        *Service
	holder   string
	said     string    // the failure that is logged, "" for none
	now      time.Time // the last reading of the clock
	held     time.Time // end of this instance's lease
	trial    time.Time // nothing is deleted before then, see clockTrial
	redacted time.Time // accounts deleted before then are done; zero: none
}

// runRetention shortens the trail until ctx ends, if that is configured.
func (s *Service) runRetention(ctx context.Context) error {
	if s.keeper == nil || s.retention == (Retention{}) {
		<-ctx.Done()
		return ctx.Err()
	}
	every := retentionEvery
	if keep := s.retention.Keep; keep > 0 {
		every = max(time.Second, min(every, keep/10))
	}
	// Not at once: the tables may not be up to date at a start.
	rest(ctx, min(every, outboxEvery))
	for r := (&retention{s: s, holder: newID()}); ctx.Err() == nil; {
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

// round does one round of the work, if this instance has the lease.
func (r *retention) round(ctx context.Context) {
	r.held = time.Time{}
	var deleted, redacted int
	var err, redacting error
	if r.s.retention.Keep > 0 {
		deleted, err = r.steps(ctx, func() (int, error) {
			if r.now.Before(r.trial) {
				return 0, errClockJumped
			}
			return r.s.keeper.Prune(ctx, r.now.Add(-r.s.retention.Keep))
		})
	}
	if r.s.retention.RedactDeleted {
		redacted, redacting = r.redactDeleted(ctx)
		err = errors.Join(err, redacting)
	}
	if deleted+redacted > 0 {
		r.s.log.Info("audit trail shortened", "deleted", deleted, "redacted", redacted)
	}
	if ctx.Err() == nil {
		r.say(err)
	}
}

// say logs a failure, once for as long as it stays the same.
func (r *retention) say(err error) {
	wrong := ""
	switch {
	case errors.Is(err, errClocksDiffer):
		wrong = "clocks"
	case errors.Is(err, errClockJumped):
		wrong = "clock"
	case err != nil:
		wrong = "store"
	}
	switch {
	case wrong == r.said:
		return
	case err == nil:
		r.s.log.Info("audit trail can be shortened again")
	default:
		r.s.log.Warn("audit trail not shortened; every round tries again", "error", err)
	}
	r.said = wrong
}

// steps repeats a step until it has nothing to do, or another instance has the
// lease.
func (r *retention) steps(ctx context.Context, step func() (int, error)) (total int, err error) {
	for {
		if mine, err := r.lease(ctx); err != nil || !mine {
			return total, err
		}
		began := r.s.now()
		n, err := step()
		if total += n; err != nil || n == 0 {
			return total, err
		}
		if r.restAfter(ctx, began); ctx.Err() != nil {
			return total, ctx.Err()
		}
	}
}

// restAfter pauses for at least as long as the step kept the database busy.
func (r *retention) restAfter(ctx context.Context, began time.Time) {
	rest(ctx, min(max(retentionRest, r.s.now().Sub(began)), longestRest))
}

// lease holds the task, and renews it at half of its time. The clock is checked
// as often, and before the lease is taken: a wrong one would hold it for a year.
func (r *retention) lease(ctx context.Context) (bool, error) {
	now := r.s.now()
	left := r.held.Sub(now)
	if left > retentionLease/2 && left <= retentionLease {
		return true, nil
	}
	if err := r.checkClock(ctx, now); err != nil {
		return false, err
	}
	until := now.Add(retentionLease)
	mine, err := r.s.keeper.Lease(ctx, retentionTask, r.holder, until)
	if mine {
		r.held = until
	}
	return mine && err == nil, err
}

func (r *retention) checkClock(ctx context.Context, now time.Time) error {
	switch {
	case !r.now.IsZero() && now.Sub(r.now) > clockJump:
		r.trial = now.Add(clockTrial)
	case now.Before(r.now): // it has been set back
		r.trial = time.Time{}
	}
	r.now = now
	return CheckClock(ctx, r.s.keeper, now)
}
