package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// settlement is for a change that is about to be stored.
func (s *Service) settlement(userID string, by Principal) Settlement {
	return Settlement{ID: newID(), UserID: userID, ActorID: by.UserID, At: s.now().UTC().Truncate(time.Millisecond)}
}

// settle brings an account's live sessions in line with it, after a change is
// stored: they carry its role and name, or end when it is disabled, gone or
// has another password. When that fails it is tried again, by any instance,
// until it has worked. Refusals are *refusal.Error.
func (s *Service) settle(ctx context.Context, x Settlement, again bool) error {
	if err := s.bringInLine(ctx, x, again); err != nil {
		return storeError(err)
	}
	s.doneOutages.tell(s.users.Settled(ctx, x))
	return nil
}

func (s *Service) bringInLine(ctx context.Context, x Settlement, again bool) error {
	by := Principal{UserID: x.ActorID}
	user, err := s.users.ByID(ctx, x.UserID)
	switch {
	case errors.Is(err, ErrNoUser):
		return s.endAll(ctx, x.UserID, by, ReasonDeleted, everySession)
	case err != nil:
		return err
	case !user.Active:
		return s.endAll(ctx, x.UserID, by, ReasonDisabled, everySession)
	}
	if x.EndOlder {
		older := func(session Session) bool { return session.ID != x.KeepSession && !session.CreatedAt.After(x.At) }
		if err := s.endAll(ctx, x.UserID, by, ReasonPassword, older); err != nil {
			return err
		}
	}
	return s.accountChanged(ctx, x.UserID, s.accountOf(x.UserID), again)
}

// accountChanged brings an account's new role or name into its live sessions:
// they go on, and the next request of each carries the new role, on every
// instance. When it fails it is to be called again: that announces also what
// the records say already.
func (s *Service) accountChanged(ctx context.Context, userID string, current func(context.Context) (Account, error), again bool) error {
	now := s.now()
	return storeError(s.eachPage(ctx, userID, func(page []Session) error {
		if len(page) == 0 {
			return nil
		}
		// Asked for after the records have been read, see setAccount.
		a, err := current(ctx)
		if err != nil {
			return err
		}
		var news []Revocation
		for _, rec := range page {
			changed, err := s.setAccount(ctx, rec, now, a, current)
			if errors.Is(err, ErrNoSession) {
				continue
			}
			if err != nil {
				return err
			}
			if again || !rec.pair().Is(changed.pair()) {
				news = append(news, Revocation{UserID: userID, SessionID: rec.ID, Reason: ReasonRoleChanged, At: now, Since: changed.pair()})
			}
		}
		// After the records: an access token that is refused now is renewed from one.
		if err := s.announcer.Announce(ctx, news...); err != nil {
			return err
		}
		for _, n := range news {
			s.revoked.add(n)
		}
		return nil
	}))
}

// setAccount gives the record with the account in it as it is now: a, or as
// current says when the record has been read once more. The account is read
// after the record, each time: of two changes that meet, the one that was
// stored first used to be written last, and a demoted administrator was one
// again by changing their name.
func (s *Service) setAccount(ctx context.Context, rec Session, now time.Time, a Account, current func(context.Context) (Account, error)) (Session, error) {
	for range maxSwaps {
		if rec.Account.same(a) {
			return rec, nil
		}
		next := withAccount(rec, a, now)
		if next.IssuedAt.Sub(now) > maxAhead {
			return Session{}, &refusal.Error{Code: refusal.Busy, Detail: "This account is being changed too often. Try again shortly.", RetryAfter: maxAhead}
		}
		err := s.sessions.Swap(ctx, rec, next)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, ErrConflict) {
			return Session{}, err
		}
		if rec, err = s.sessions.Get(ctx, rec.UserID, rec.ID); err != nil {
			return Session{}, err
		}
		if a, err = current(ctx); err != nil {
			return Session{}, err
		}
	}
	return Session{}, fmt.Errorf("%w: %d swaps in a row met another writer", ErrSessionStore, maxSwaps)
}

// maxAhead is how far changes that follow each other quickly may date a pair
// into the future. Revocations are remembered for so much longer.
const maxAhead = 30 * time.Second

func (s *Service) accountOf(userID string) func(context.Context) (Account, error) {
	return func(ctx context.Context) (Account, error) {
		u, err := s.users.ByID(ctx, userID)
		return u.Account(), err
	}
}

func everySession(Session) bool { return true }

// endAll ends those of a user's sessions that which names, page by page, and
// writes one event. The pages are read after the change that ends them: a
// sign-in that is under way reads the account once more after its session is in
// the index.
func (s *Service) endAll(ctx context.Context, userID string, by Principal, why Reason, which func(Session) bool) error {
	var ended []Revocation
	err := s.eachPage(ctx, userID, func(page []Session) error {
		var ids []string
		for _, x := range page {
			if which(x) {
				ids = append(ids, x.ID)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		out := s.endingOf(ctx, userID, by, why, ids...)
		if err := s.end(ctx, out.ends...); err != nil {
			s.finishLater(out)
			return err
		}
		ended = append(ended, out.ends...)
		return nil
	})
	if len(ended) > 0 {
		e := s.event(ctx, EventSessionRevoked, userID, by)
		e.SessionID, e.Detail = endedWords(ended)
		s.trail.add(e)
	}
	return storeError(err)
}

const (
	// settleAfter is how long whoever made a change has to settle it alone.
	settleAfter = 5 * time.Second
	settleEvery = 2 * time.Second
	settlePage  = 100
)

// runSettling settles what others have not: they crashed, or a store was away.
func (s *Service) runSettling(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		// Not before the first tick: the tables may not be up to date at a start.
		select {
		case <-tick.C:
			s.settleRest(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settleRest stops at the first that fails, and comes back.
func (s *Service) settleRest(ctx context.Context) {
	list, err := s.users.Unsettled(ctx, s.now().Add(-settleAfter), settlePage)
	if err == nil {
		s.observe.Settling(len(list))
	}
	for _, x := range list {
		if err == nil {
			err = s.settle(ctx, x, true)
		}
	}
	switch {
	case err == nil:
		s.settleOutages.worked()
	case ctx.Err() == nil:
		s.settleOutages.failed(err)
	}
}
