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
	// rotateTimeout bounds one rotation, which a client's disconnect does not
	// cancel.
	rotateTimeout = 5 * time.Second
	// maxSwaps bounds the compare-and-swap loop. Every conflict means that
	// another request of this session succeeded, so reaching the bound is a
	// fault.
	maxSwaps = 16
)

// Refresh refreshes a session by its refresh token at the explicit request of its
// browser, within the limit of that. Refusals are *refusal.Error; after one that
// says that the store is unavailable, the token is still valid.
func (m *Manager) Refresh(ctx context.Context, raw string) (Grant, error) {
	return m.refresh(ctx, onDemand, raw)
}

// refresh is Refresh for either cause. Only flights that reach the store count
// against the limit, once for all callers of one flight.
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
		// The revocation is known here, even while the store is away or lags
		// behind.
		m.observe.Refreshed(refreshRevoked)
		return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
	}
	// A dozen tabs wake up at once: one call reads the store, all share the
	// result. The flight outlives a caller who disconnects, who would otherwise
	// cancel it for the others.
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

// token returns the claims of the record's refresh token that rotate needs.
func (s Record) token() token.Refresh {
	return token.Refresh{UserID: s.UserID, SessionID: s.ID, Generation: s.Generation, IssuedAt: s.IssuedAt}
}

// asDecided leaves the record unchanged before decide.
func asDecided(rec Record) Record { return rec }

// withoutReissue makes decide rotate the current token pair instead of reissuing
// it.
func withoutReissue(rec Record) Record {
	rec.ReissueUntil = time.Time{}
	return rec
}

// rotate repeats read, decide and compare-and-swap until no other writer
// interferes. now is the one clock reading of the request; before changes the
// record ahead of decide.
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
			// A change of the account was published, and the store has lost it in
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
		known := before(m.acks.applyTo(rec))
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
			if !m.Alive(rec.ID) { // ended during the rotation
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

// endStolen ends a session that two parties hold. It is unknown which of them is
// the owner; the owner can sign in again, the thief cannot.
func (m *Manager) endStolen(ctx context.Context, rec Record, presented token.Refresh, now time.Time) error {
	out := Ending{
		Kind: EndStolen, At: now, Client: ClientFrom(ctx), Email: rec.Account.Email,
		Ends:   []Revocation{{UserID: rec.UserID, SessionID: rec.ID, Reason: ReasonRefreshReuse, At: now}},
		Detail: fmt.Sprintf("generation %d presented, %d is current", presented.Generation, rec.Generation),
	}
	if err := m.endNow(ctx, out.Ends...); err != nil {
		m.EndLater(out) // an outage must not save a thief
		return StoreError(err)
	}
	m.recorder.SessionsEnded(out)
	return &refusal.Error{Code: refusal.RefreshReuse, Detail: detailReuse}
}

// Superseded reports whether a token pair must not be sent any more: when a slow
// upstream answers, the browser may already hold a newer pair from another
// answer, and this one would replace it. Not sending is always safe: a browser
// that still holds the parent gets the same child again.
func (m *Manager) Superseded(ctx context.Context, c *Cookies) bool {
	rec, err := m.store.Get(ctx, c.UserID, c.SessionID)
	return err != nil || !rec.pair().Is(c.TokenPair)
}
