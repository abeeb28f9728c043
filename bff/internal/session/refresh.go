package session

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
func (m *Manager) Refresh(ctx context.Context, raw string) (Grant, error) {
	return m.refresh(ctx, onDemand, raw)
}

// renew is Refresh for either cause. What reaches the store is limited, once
// for all callers of one flight.
func (m *Manager) refresh(ctx context.Context, why refreshCause, raw string) (Grant, error) {
	now := m.now()
	presented, err := m.tokens.VerifyRefresh(raw, now)
	switch {
	case errors.Is(err, token.ErrExpired):
		return Grant{}, &refusal.Error{Code: refusal.SessionExpired, Detail: detailExpired, Cause: err}
	case err != nil:
		return Grant{}, &refusal.Error{Code: refusal.NotAuthenticated, Detail: detailAnonymous, Cause: err}
	}
	if !m.Alive(presented.SessionID) {
		// Known to have ended, also while the store is away or lags behind.
		m.observe.Refreshed(refreshRevoked)
		return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
	}
	// A dozen tabs wake up at once: one asks the store, all share the answer.
	// The flight outlives a caller who hangs up, or that one would take the
	// others' answer with it.
	flight := m.flights.DoChan(string(why)+raw, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rotateTimeout)
		defer cancel()
		if err := m.mayRefresh(ctx, why, presented.SessionID); err != nil {
			return nil, err
		}
		return m.rotate(ctx, presented, now, asDecided)
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
func (s Record) token() token.Refresh {
	return token.Refresh{UserID: s.UserID, SessionID: s.ID, Generation: s.Generation, IssuedAt: s.IssuedAt}
}

// asDecided leaves the record to decide as it is.
func asDecided(rec Record) Record { return rec }

// withoutSettling makes decide rotate the current pair instead of giving it
// another date.
func withoutReissue(rec Record) Record {
	rec.ReissueUntil = time.Time{}
	return rec
}

// rotate reads, decides and swaps until no other writer came between. It is
// given the one clock reading of the request, and what to change of the record
// before it is decided.
func (m *Manager) rotate(ctx context.Context, presented token.Refresh, now time.Time, before func(Record) Record) (Grant, error) {
	for range maxSwaps {
		rec, err := m.store.Get(ctx, presented.UserID, presented.SessionID)
		if errors.Is(err, ErrNoSession) {
			m.observe.Refreshed(refreshRevoked)
			return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
		}
		if err != nil {
			return Grant{}, StoreError(err)
		}
		if since := m.revoked.since(rec.ID); rec.pair().Before(since) {
			// A change of the account was announced, and the store has lost it in
			// a failover.
			next := catchUp(rec, since, m.policy, now)
			account, ok, err := m.accounts.SessionAccount(ctx, rec.UserID)
			switch {
			case err != nil:
				return Grant{}, err
			case !ok:
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			}
			next.Account = account
			if err := m.store.Swap(ctx, rec, next); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNoSession) {
				return Grant{}, StoreError(err)
			}
			continue
		}
		known := before(m.acks.apply(rec))
		what, next := decide(known, TokenPair{presented.Generation, presented.IssuedAt}, m.policy, now)
		switch what {
		case rotated, reissued, replayed:
			// Minted before it is stored: nothing may fail after the swap.
			cookies, err := m.mint(next)
			if err != nil {
				return Grant{}, err
			}
			if next != known {
				err = m.store.Swap(ctx, rec, next)
			}
			if errors.Is(err, ErrConflict) {
				continue
			}
			if errors.Is(err, ErrNoSession) {
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			}
			if err != nil {
				return Grant{}, StoreError(err)
			}
			if !m.Alive(rec.ID) { // ended while it rotated
				return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
			}
			m.observe.Refreshed(what.String())
			return m.grant(next, cookies), nil
		case served:
			m.observe.Refreshed(what.String())
			return m.grant(rec, nil), nil
		case stolen:
			m.observe.Refreshed(what.String())
			return Grant{}, m.endStolen(ctx, rec, presented, now)
		case gone:
			m.observe.Refreshed(what.String())
			return Grant{}, &refusal.Error{Code: refusal.SessionExpired, Detail: detailExpired}
		}
	}
	return Grant{}, StoreError(fmt.Errorf("%w: %d swaps in a row met another writer", ErrSessionStore, maxSwaps))
}

// endStolen ends a session that two parties hold. Which of them is the owner
// cannot be known; the owner signs in again, the thief cannot.
func (m *Manager) endStolen(ctx context.Context, rec Record, presented token.Refresh, now time.Time) error {
	out := Ending{
		Kind: EndStolen, At: now, Client: ClientFrom(ctx), Email: rec.Account.Email,
		Ends:   []Revocation{{UserID: rec.UserID, SessionID: rec.ID, Reason: ReasonRefreshReuse, At: now}},
		Detail: fmt.Sprintf("generation %d presented, %d is current", presented.Generation, rec.Generation),
	}
	if err := m.end(ctx, out.Ends...); err != nil {
		m.EndLater(out) // a thief must not get away with an outage
		return StoreError(err)
	}
	m.recorder.SessionsEnded(out)
	return &refusal.Error{Code: refusal.RefreshReuse, Detail: detailReuse}
}

// Superseded reports whether a pair of cookies must not be sent any more: by
// the time a slow upstream answers, the browser may hold a newer pair from
// another answer, and this one would roll it back. Not sending is always safe:
// a browser that still holds the parent gets the same child again.
func (m *Manager) Superseded(ctx context.Context, c *Cookies) bool {
	rec, err := m.store.Get(ctx, c.UserID, c.SessionID)
	return err != nil || !rec.pair().Is(c.TokenPair)
}
