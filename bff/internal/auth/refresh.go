package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

const (
	// rotateTimeout bounds one rotation, which no client's departure stops.
	rotateTimeout = 5 * time.Second
	// maxSwaps bounds the compare-and-swap loop. Every conflict means that
	// another request of this session got on, so a loop this long is a fault.
	maxSwaps = 16
)

// Refresh renews a session by its refresh token because its browser asks for
// that, which it may not do without end. Refusals are *refusal.Error; when one says
// that the store could not be asked, the token is as good as before.
func (s *Service) Refresh(ctx context.Context, raw string) (Grant, error) {
	return s.renew(ctx, onDemand, raw)
}

// renew is Refresh for either cause. What reaches the store is limited, once
// for all callers of one flight.
func (s *Service) renew(ctx context.Context, why refreshCause, raw string) (Grant, error) {
	now := s.now()
	presented, err := s.tokens.VerifyRefresh(raw, now)
	switch {
	case errors.Is(err, token.ErrExpired):
		return Grant{}, &refusal.Error{Code: refusal.SessionExpired, Detail: detailExpired, Cause: err}
	case err != nil:
		return Grant{}, &refusal.Error{Code: refusal.NotAuthenticated, Detail: detailAnonymous, Cause: err}
	}
	if !s.Alive(presented.SessionID) {
		// Known to have ended, also while the store is away or lags behind.
		s.observe.Refreshed(refreshRevoked)
		return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
	}
	// A dozen tabs wake up at once: one asks the store, all share the answer.
	// The flight outlives a caller who hangs up, or that one would take the
	// others' answer with it.
	flight := s.flights.DoChan(string(why)+raw, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rotateTimeout)
		defer cancel()
		if err := s.mayRefresh(ctx, why, presented.SessionID); err != nil {
			return nil, err
		}
		return s.rotate(ctx, presented, now, asDecided)
	})
	select {
	case r := <-flight:
		if r.Err != nil {
			return Grant{}, r.Err
		}
		return r.Val.(Grant), nil
	case <-ctx.Done():
		return Grant{}, ctx.Err()
	}
}

// token is what the refresh token of the record's pair says.
func (s Session) token() token.Refresh {
	return token.Refresh{UserID: s.UserID, SessionID: s.ID, Generation: s.Generation, IssuedAt: s.IssuedAt}
}

// asDecided leaves the record to decide as it is.
func asDecided(rec Session) Session { return rec }

// withoutSettling makes decide rotate the current pair instead of giving it
// another date.
func withoutSettling(rec Session) Session {
	rec.SettlesAt = time.Time{}
	return rec
}

// rotate reads, decides and swaps until no other writer came between. It is
// given the one clock reading of the request, and what to change of the record
// before it is decided.
func (s *Service) rotate(ctx context.Context, presented token.Refresh, now time.Time, before func(Session) Session) (Grant, error) {
	for range maxSwaps {
		rec, err := s.sessions.Get(ctx, presented.UserID, presented.SessionID)
		if errors.Is(err, ErrNoSession) {
			s.observe.Refreshed(refreshRevoked)
			return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
		}
		if err != nil {
			return Grant{}, storeError(err)
		}
		if since := s.revoked.since(rec.ID); rec.pair().Before(since) {
			// A change of the account was announced, and the store has lost it in
			// a failover.
			next := catchUp(rec, since, s.policy, now)
			user, err := s.users.ByID(ctx, rec.UserID)
			switch {
			case errors.Is(err, ErrNoUser), err == nil && !user.Active:
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			case err != nil:
				return Grant{}, storeError(err)
			}
			next.Account = user.Account()
			if err := s.sessions.Swap(ctx, rec, next); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNoSession) {
				return Grant{}, storeError(err)
			}
			continue
		}
		known := before(s.receipts.apply(rec))
		what, next := decide(known, Pair{presented.Generation, presented.IssuedAt}, s.policy, now)
		switch what {
		case rotated, redated, replayed:
			// Minted before it is stored: nothing may fail after the swap.
			cookies, err := s.mint(next)
			if err != nil {
				return Grant{}, err
			}
			if next != known {
				err = s.sessions.Swap(ctx, rec, next)
			}
			if errors.Is(err, ErrConflict) {
				continue
			}
			if errors.Is(err, ErrNoSession) {
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			}
			if err != nil {
				return Grant{}, storeError(err)
			}
			if !s.Alive(rec.ID) { // ended while it rotated
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			}
			s.observe.Refreshed(what.String())
			return s.grant(next, cookies), nil
		case served:
			s.observe.Refreshed(what.String())
			return s.grant(rec, nil), nil
		case stolen:
			s.observe.Refreshed(what.String())
			return Grant{}, s.endStolen(ctx, rec, presented, now)
		case gone:
			s.observe.Refreshed(what.String())
			return Grant{}, &refusal.Error{Code: refusal.SessionExpired, Detail: detailExpired}
		}
	}
	return Grant{}, storeError(fmt.Errorf("%w: %d swaps in a row met another writer", ErrSessionStore, maxSwaps))
}

// endStolen ends a session that two parties hold. Which of them is the owner
// cannot be known; the owner signs in again, the thief cannot.
func (s *Service) endStolen(ctx context.Context, rec Session, presented token.Refresh, now time.Time) error {
	c := clientFrom(ctx)
	tell := s.notice(ctx, NoticeSessionStolen, rec.UserID, rec.Account.Email)
	tell.sessionID = rec.ID
	out := signOut{
		tell: &tell,
		ends: []Revocation{{UserID: rec.UserID, SessionID: rec.ID, Reason: ReasonRefreshReuse, At: now}},
		event: Event{
			ID: newID(), Type: EventRefreshReuse, UserID: rec.UserID, SessionID: rec.ID,
			Detail: fmt.Sprintf("generation %d presented, %d is current", presented.Generation, rec.Generation),
			IP:     c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
		},
	}
	if err := s.end(ctx, out.ends...); err != nil {
		s.finishLater(out) // a thief must not get away with an outage
		return storeError(err)
	}
	s.recordEnd(out)
	return &refusal.Error{Code: refusal.RefreshReuse, Detail: detailReuse}
}

// Superseded reports whether a pair of cookies must not be sent any more: by
// the time a slow upstream answers, the browser may hold a newer pair from
// another answer, and this one would roll it back. Not sending is always safe:
// a browser that still holds the parent gets the same child again.
func (s *Service) Superseded(ctx context.Context, c *Cookies) bool {
	rec, err := s.sessions.Get(ctx, c.UserID, c.SessionID)
	return err != nil || !rec.pair().Is(c.Pair)
}
