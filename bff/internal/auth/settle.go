package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// settle brings an account's live sessions in line with it, after a change is
// stored: they carry its role and name, or end when it is disabled or gone.
// When the session store cannot be asked, this instance keeps trying; the
// answer is an *Error then.
func (s *Service) settle(ctx context.Context, user User, by string, again bool) error {
	var err error
	if user.Active {
		err = s.accountChanged(ctx, user.ID, user.Account(), again)
	} else {
		err = s.endAll(ctx, user.ID, Principal{UserID: by}, ReasonDisabled, everySession)
	}
	if err != nil {
		s.unsettled.add(user.ID, by)
	}
	return err
}

// accountChanged brings an account's new role or name into its live sessions:
// they go on, and the next request of each carries the new role, on every
// instance. When it fails it is to be called again: that announces also what
// the records say already.
func (s *Service) accountChanged(ctx context.Context, userID string, a Account, again bool) error {
	list, err := s.sessions.List(ctx, userID)
	if err != nil {
		return storeError(err)
	}
	now := s.now()
	var news []Revocation
	for _, rec := range list {
		changed, err := s.setAccount(ctx, rec, a, now)
		if errors.Is(err, ErrNoSession) {
			continue
		}
		if err != nil {
			return storeError(err)
		}
		if again || rec.pair() != changed.pair() {
			news = append(news, Revocation{UserID: userID, SessionID: rec.ID, Reason: ReasonRoleChanged, At: now, Since: changed.pair()})
		}
	}
	// After the records: an access token that is refused now is renewed from one.
	if err := s.announcer.Announce(ctx, news...); err != nil {
		return storeError(err)
	}
	for _, n := range news {
		s.revoked.add(n)
	}
	return nil
}

// setAccount gives the record with the change in it.
func (s *Service) setAccount(ctx context.Context, rec Session, a Account, now time.Time) (Session, error) {
	for range maxSwaps {
		if rec.Account.same(a) {
			return rec, nil
		}
		next := withAccount(rec, a, now)
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
	}
	return Session{}, fmt.Errorf("%w: %d swaps in a row met another writer", ErrSessionStore, maxSwaps)
}

func everySession(Session) bool { return true }

func except(id string) func(Session) bool { return func(x Session) bool { return x.ID != id } }

// endAll ends those of a user's sessions that which names. The list is read
// after the change that ends them: a sign-in that is under way reads the
// account once more after its session is in the list. When it cannot be read,
// those of known end as soon as they can.
func (s *Service) endAll(ctx context.Context, userID string, by Principal, why Reason, which func(Session) bool, known ...Session) error {
	list, err := s.sessions.List(ctx, userID)
	if err != nil {
		list = known
	}
	var ends []Revocation
	var outs []signOut
	for _, x := range list {
		if !which(x) {
			continue
		}
		e := s.event(ctx, EventSessionRevoked, userID, by)
		e.SessionID, e.Detail = x.ID, string(why)
		end := Revocation{UserID: userID, SessionID: x.ID, Reason: why, At: e.At}
		ends, outs = append(ends, end), append(outs, signOut{end: end, event: e})
	}
	if err == nil && len(ends) > 0 {
		err = s.end(ctx, ends...)
	}
	if err != nil {
		s.finishLater(outs...)
		return storeError(err)
	}
	for _, o := range outs {
		s.trail.add(o.event)
	}
	return nil
}

// unsettled are the accounts whose sessions are still to be brought in line.
type unsettled struct {
	mu      sync.Mutex
	waiting map[string]string // user to who changed it
}

const (
	maxUnsettled   = 8192
	unsettledRetry = time.Second
)

func (u *unsettled) add(userID, by string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.waiting == nil {
		u.waiting = make(map[string]string)
	}
	if len(u.waiting) < maxUnsettled {
		u.waiting[userID] = by
	}
}

func (u *unsettled) take() map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.waiting
	u.waiting = nil
	return all
}

// runUnsettled retries until ctx ends, and once more then.
func (s *Service) runUnsettled(ctx context.Context) error {
	retry := time.NewTicker(unsettledRetry)
	defer retry.Stop()
	for {
		select {
		case <-retry.C:
			s.settleAgain(ctx)
		case <-ctx.Done():
			final, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTry)
			defer cancel()
			s.settleAgain(final)
			for user := range s.unsettled.take() {
				s.log.Error("a change of an account has not reached its sessions; disable it or change it again", "user", user)
			}
			return ctx.Err()
		}
	}
}

func (s *Service) settleAgain(ctx context.Context) {
	for id, by := range s.unsettled.take() {
		user, err := s.users.ByID(ctx, id)
		switch {
		case errors.Is(err, ErrNoUser):
			user = User{ID: id} // gone, and so are its sessions
		case err != nil:
			s.unsettled.add(id, by)
			continue
		}
		_ = s.settle(ctx, user, by, true) // what fails is in the list again
	}
}
