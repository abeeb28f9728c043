package auth

import (
	"context"
	"time"
)

// redactDeleted walks through the deleted accounts, the last one first, until
// those that an earlier round has done. The events about an account have an
// index; those it caused about others, as an administrator, are searched for in
// the whole trail.
func (r *retention) redactDeleted(ctx context.Context) (total int, err error) {
	began := r.s.now()
	gone := map[string]bool{}
	from := began.Add(-redactAgain)
	if r.redacted.IsZero() {
		from = time.Time{}
	}
	done := false
	for after := (Position{}); !done; {
		if mine, err := r.lease(ctx); err != nil || !mine {
			return total, err
		}
		list, err := r.s.audit.Page(ctx, EventQuery{Type: EventAccountDeleted, After: after, Limit: pageSize})
		if err != nil {
			return total, err
		}
		done = len(list) < pageSize
		for _, e := range list {
			if done = done || e.At.Before(r.redacted); e.At.Before(r.redacted) {
				break
			}
			n, err := r.steps(ctx, func() (int, error) { return r.s.keeper.Redact(ctx, e.UserID) })
			if total += n; err != nil {
				return total, err
			}
			gone[e.UserID] = true
			if from.IsZero() || e.At.Before(r.redacted.Add(redactAgain-storedLate)) {
				continue // all is looked at anyway, or has been in an earlier round
			}
			acted, err := r.mayHaveActed(ctx, e)
			if err != nil {
				return total, err
			}
			if acted {
				from = time.Time{}
			}
		}
		if len(list) > 0 {
			after = Position{At: list[len(list)-1].At, ID: list[len(list)-1].ID}
		}
		if rest(ctx, retentionRest); ctx.Err() != nil {
			return total, ctx.Err()
		}
	}
	n, all, err := r.redactActs(ctx, gone, from)
	if total += n; err == nil && all {
		r.redacted = began.Add(-redactAgain)
	}
	return total, err
}

// storedLate is how long after its time the event of a deletion may be stored.
const storedLate = time.Minute

// mayHaveActed reports whether a deleted account was ever an administrator: at
// its end, or before a change of role, or, in events of earlier versions, because
// an operator created it. Where those events are past their age, so are the ones
// it caused.
func (r *retention) mayHaveActed(ctx context.Context, deleted Event) (bool, error) {
	if deleted.Detail == detailOfAdmin {
		return true, nil
	}
	changed, err := r.s.audit.Page(ctx, EventQuery{UserID: deleted.UserID, Type: EventRoleChanged, Limit: 1})
	if err != nil || len(changed) > 0 {
		return true, err
	}
	made, err := r.s.audit.Page(ctx, EventQuery{UserID: deleted.UserID, Type: EventRegistered, Limit: 1})
	return len(made) > 0 && made[0].ActorID != deleted.UserID, err
}

// redactActs walks through the trail from a time on, and reports whether it
// reached the end.
func (r *retention) redactActs(ctx context.Context, gone map[string]bool, from time.Time) (total int, all bool, err error) {
	if len(gone) == 0 {
		return 0, true, nil
	}
	for at := (Position{At: from}); ; {
		if mine, err := r.lease(ctx); err != nil || !mine {
			return total, false, err
		}
		began := r.s.now()
		n, last, err := r.s.keeper.RedactActs(ctx, func(id string) bool { return gone[id] }, at)
		if total += n; err != nil || last == (Position{}) {
			return total, err == nil, err
		}
		if at = last; ctx.Err() != nil {
			return total, false, ctx.Err()
		}
		r.restAfter(ctx, began)
	}
}
