package session

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// pendingSignOuts holds the sign-outs that failed because the store was away. Its
// size is bounded by distinct sessions (a repeated sign-out takes no more space)
// and by account: the sign-outs of one account, repeated with every token it ever
// had, used to leave no space for other accounts.
type pendingSignOuts struct {
	store Store
	log   *slog.Logger
	done  func(Ending)

	mu      sync.Mutex
	waiting map[string]Ending // by what it ends
	count   int               // sessions in waiting
	byUser  map[string]int    // of each user
}

const (
	// maxPendingSignOuts is about 5 MB of sessions.
	maxPendingSignOuts = 8192
	// maxPendingOfUser is all sessions that an account can have, and as many
	// again that ended before.
	maxPendingOfUser = 2 * MaxSessions
	signOutRetry     = time.Second
	// lastTry bounds the retries at shutdown.
	lastTry = 2 * time.Second
)

func newPendingSignOuts(store Store, log *slog.Logger, done func(Ending)) *pendingSignOuts {
	return &pendingSignOuts{store: store, log: log, done: done, waiting: map[string]Ending{}, byUser: map[string]int{}}
}

// key identifies a repeated sign-out.
func (o Ending) key() string {
	if len(o.Ends) == 1 {
		return o.Ends[0].SessionID
	}
	return o.Ends[0].UserID + " " + string(o.Ends[0].Reason)
}

func (u *pendingSignOuts) enqueue(o Ending) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key, userID := o.key(), o.Ends[0].UserID
	if before, known := u.waiting[key]; known {
		o = joined(before, o)
		u.dequeue(key)
	}
	if free := maxPendingOfUser - u.byUser[userID]; free < len(o.Ends) {
		u.giveUp(userID, len(o.Ends)-max(free, 0), "too many of the account wait for the session store")
		if free <= 0 {
			return
		}
		o.Ends = o.Ends[:free]
	}
	for u.count+len(o.Ends) > maxPendingSignOuts {
		most := u.fullest()
		if u.byUser[most] <= u.byUser[userID]+len(o.Ends) {
			u.giveUp(userID, len(o.Ends), "too many wait for the session store")
			return
		}
		for k, other := range u.waiting {
			if other.Ends[0].UserID == most {
				u.giveUp(most, len(other.Ends), "too many wait for the session store, most of them of this account")
				u.dequeue(k)
				break
			}
		}
	}
	u.waiting[key] = o
	u.count += len(o.Ends)
	u.byUser[userID] += len(o.Ends)
}

// joined adds to a waiting Ending those ends of another that it lacks. The kind
// of the waiting one stays: the sign-out of a thief who was detected before must
// not replace the theft in the audit trail.
func joined(waiting, o Ending) Ending {
	waiting.Ends = slices.Clone(waiting.Ends)
	for _, e := range o.Ends {
		if !slices.ContainsFunc(waiting.Ends, func(x Revocation) bool { return x.SessionID == e.SessionID }) {
			waiting.Ends = append(waiting.Ends, e)
		}
	}
	return waiting
}

// fullest returns the user with the most waiting sessions.
func (u *pendingSignOuts) fullest() (userID string) {
	for id, n := range u.byUser {
		if n > u.byUser[userID] {
			userID = id
		}
	}
	return userID
}

func (u *pendingSignOuts) dequeue(key string) {
	o := u.waiting[key]
	delete(u.waiting, key)
	u.count -= len(o.Ends)
	userID := o.Ends[0].UserID
	if u.byUser[userID] -= len(o.Ends); u.byUser[userID] == 0 {
		delete(u.byUser, userID)
	}
}

func (u *pendingSignOuts) giveUp(userID string, sessions int, why any) {
	u.log.Error("sign-out given up", "user", userID, "sessions", sessions, "error", why)
}

// retryLoop retries until all are done, and once more when ctx ends.
func (u *pendingSignOuts) retryLoop(ctx context.Context) error {
	retry := time.NewTicker(signOutRetry)
	defer retry.Stop()
	for {
		select {
		case <-retry.C:
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
			defer cancel()
			if err := u.retryAll(final); err != nil {
				u.giveUpAll(err)
			}
			return ctx.Err()
		}
		// A failed one stays in the list and is tried again.
		_ = u.retryAll(ctx)
	}
}

func (u *pendingSignOuts) retryAll(ctx context.Context) error {
	u.mu.Lock()
	keys := slices.Collect(maps.Keys(u.waiting))
	u.mu.Unlock()
	// One by one, so that a success is not published again with a later failure.
	for _, key := range keys {
		u.mu.Lock()
		o, known := u.waiting[key]
		u.mu.Unlock()
		if !known {
			continue
		}
		if err := u.store.End(ctx, o.Ends...); err != nil {
			return err
		}
		u.mu.Lock()
		now, known := u.waiting[key]
		// Another Ending may have been joined meanwhile: then it stays.
		done := known && len(now.Ends) == len(o.Ends)
		if done {
			u.dequeue(key)
		}
		u.mu.Unlock()
		if done {
			u.done(o)
		}
	}
	return nil
}

func (u *pendingSignOuts) giveUpAll(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, o := range u.waiting {
		u.log.Error("sign-out not carried out before shutdown", "user", o.Ends[0].UserID, "session", o.Ends[0].SessionID, "sessions", len(o.Ends), "error", err)
	}
}
