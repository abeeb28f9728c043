package auth

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// pendingSync creates the PendingSync of a change that is about to be stored.
func (s *Service) pendingSync(userID string, by session.Principal) PendingSync {
	return PendingSync{ID: newID(), UserID: userID, ActorID: by.UserID, At: s.now().UTC().Truncate(time.Millisecond)}
}

// syncSessions applies a stored change of an account to its live sessions: they
// carry its role and name, or end when it is disabled, deleted or has another
// password. After a failure the outbox repeats it, on any instance, until it
// succeeds. Refusals are *refusal.Error.
func (s *Service) syncSessions(ctx context.Context, x PendingSync, again bool) error {
	if err := s.applySync(ctx, x, again); err != nil {
		return storeError(err)
	}
	s.doneOutages.Note(s.users.SyncsDone(ctx, x))
	return nil
}

func (s *Service) applySync(ctx context.Context, x PendingSync, again bool) error {
	by := session.Principal{UserID: x.ActorID}
	user, err := s.users.ByID(ctx, x.UserID)
	switch {
	case errors.Is(err, ErrNoUser):
		return s.sessions.EndAll(ctx, x.UserID, by, session.ReasonDeleted, anySession)
	case err != nil:
		return err
	case !user.Active:
		return s.sessions.EndAll(ctx, x.UserID, by, session.ReasonDisabled, anySession)
	}
	if x.EndOlder {
		older := func(r session.Record) bool { return r.ID != x.KeepSession && !r.CreatedAt.After(x.At) }
		if err := s.sessions.EndAll(ctx, x.UserID, by, session.ReasonPassword, older); err != nil {
			return err
		}
	}
	return s.sessions.AccountChanged(ctx, x.UserID, s.accountOf(x.UserID), again)
}

func (s *Service) accountOf(userID string) func(context.Context) (session.Account, error) {
	return func(ctx context.Context) (session.Account, error) {
		u, err := s.users.ByID(ctx, userID)
		return u.Account(), err
	}
}

func anySession(session.Record) bool { return true }

const (
	// outboxDelay is how long only the request that made a change applies it.
	outboxDelay = 5 * time.Second
	outboxEvery = 2 * time.Second
	outboxPage  = 100
)

// runOutbox applies the changes that are left: their instance crashed, or a store
// was away.
func (s *Service) runOutbox(ctx context.Context) error {
	tick := time.NewTicker(outboxEvery)
	defer tick.Stop()
	for {
		// Not before the first tick: the tables may not be up to date at a start.
		select {
		case <-tick.C:
			s.flushOutbox(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// flushOutbox stops at the first failure, and continues in the next round.
func (s *Service) flushOutbox(ctx context.Context) {
	list, err := s.users.PendingSyncs(ctx, s.now().Add(-outboxDelay), outboxPage)
	if err == nil {
		s.observe.PendingSyncs(len(list))
	}
	for _, x := range list {
		if err == nil {
			err = s.syncSessions(ctx, x, true)
		}
	}
	switch {
	case err == nil:
		s.outboxOutages.Worked()
	case ctx.Err() == nil:
		s.outboxOutages.Failed(err)
	}
}
