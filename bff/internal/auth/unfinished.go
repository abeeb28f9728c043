package auth

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// unfinished holds the sign-outs that met a store that could not be asked. It
// is bounded by distinct sessions: repeating one takes no further room.
type unfinished struct {
	sessions Sessions
	log      *slog.Logger
	done     func(signOut)

	mu      sync.Mutex
	waiting map[string]signOut // by session
}

type signOut struct {
	end   Revocation
	event Event
	tell  *Notice // nil: nobody
}

const (
	maxUnfinished   = 8192
	unfinishedRetry = time.Second
	// lastTry bounds what is still tried when the process ends.
	lastTry = 2 * time.Second
)

func newUnfinished(sessions Sessions, log *slog.Logger, done func(signOut)) *unfinished {
	return &unfinished{sessions: sessions, log: log, done: done, waiting: map[string]signOut{}}
}

func (u *unfinished) add(outs ...signOut) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, o := range outs {
		if _, known := u.waiting[o.end.SessionID]; !known && len(u.waiting) >= maxUnfinished {
			u.log.Error("sign-out given up: too many wait for the session store", "user", o.end.UserID, "session", o.end.SessionID)
			continue
		}
		u.waiting[o.end.SessionID] = o
	}
}

// run retries until all are done, and once more when ctx ends.
func (u *unfinished) run(ctx context.Context) error {
	retry := time.NewTicker(unfinishedRetry)
	defer retry.Stop()
	for {
		select {
		case <-retry.C:
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
			defer cancel()
			if err := u.finish(final); err != nil {
				u.giveUp(err)
			}
			return ctx.Err()
		}
		// What fails is tried again: it stays in the list.
		_ = u.finish(ctx)
	}
}

func (u *unfinished) finish(ctx context.Context) error {
	u.mu.Lock()
	outs := slices.Collect(maps.Values(u.waiting))
	u.mu.Unlock()
	// One by one, so that what succeeds is not announced again for what fails.
	for _, o := range outs {
		if err := u.sessions.End(ctx, o.end); err != nil {
			return err
		}
		u.mu.Lock()
		delete(u.waiting, o.end.SessionID)
		u.mu.Unlock()
		u.done(o)
	}
	return nil
}

func (u *unfinished) giveUp(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, o := range u.waiting {
		u.log.Error("sign-out not carried out before shutdown", "user", o.end.UserID, "session", o.end.SessionID, "error", err)
	}
}
