package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// Open stores a session of generation 1 for the browser of ctx; Issue mints its
// cookies. Refusals are *refusal.Error.
func (m *Manager) Open(ctx context.Context, userID string, a Account, remember bool) (Record, error) {
	now := m.now()
	issued := now.Truncate(time.Second)
	c := ClientFrom(ctx)
	end := issued.Add(m.policy.SessionMaxAge)
	rec := Record{
		ID: rand.Text(), UserID: userID, Account: a, Remember: remember,
		CreatedAt: now.Truncate(time.Millisecond), AbsoluteEnd: end,
		Generation: 1, IssuedAt: issued, IdleEnd: earlier(issued.Add(m.policy.idleTTL(remember)), end),
		LastSeenAt: now.Truncate(time.Millisecond), IP: c.IP, UserAgent: c.UserAgent,
	}
	displaced, err := m.store.Create(ctx, rec)
	if err != nil {
		return Record{}, StoreError(err)
	}
	if len(displaced) > 0 {
		// The sign-in does not depend on it: the displaced records are already
		// deleted.
		_ = m.endOrEndLater(ctx, m.endingOf(ctx, userID, Principal{UserID: userID}, ReasonSessionLimit, displaced...))
	}
	return rec, nil
}

// Discard ends a session whose sign-in was refused after Open, for the reason in
// detail. Its cookies were never sent.
func (m *Manager) Discard(ctx context.Context, rec Record, detail string, now time.Time) {
	m.EndLater(Ending{
		Kind: EndRefused, Detail: detail, At: now, Client: ClientFrom(ctx),
		Ends: []Revocation{{UserID: rec.UserID, SessionID: rec.ID, Reason: ReasonSignOut, At: now}},
	})
}

// AccountChanged writes an account's new role or name into its live sessions:
// they go on, and the next request of each carries the new role, on every
// instance. After a failure it must be called again, with again set: that
// publishes also the changes that the records already have.
func (m *Manager) AccountChanged(ctx context.Context, userID string, current func(context.Context) (Account, error), again bool) error {
	now := m.now()
	return StoreError(m.eachPage(ctx, userID, func(page []Record) error {
		if len(page) == 0 {
			return nil
		}
		// Read after the records, see SetAccount.
		a, err := current(ctx)
		if err != nil {
			return err
		}
		var news []Revocation
		for _, rec := range page {
			changed, err := m.SetAccount(ctx, rec, now, a, current)
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
		// Published after the records are written: an access token that is
		// refused from now on is refreshed from its record.
		if err := m.revocations.Publish(ctx, news...); err != nil {
			return err
		}
		for _, n := range news {
			m.revoked.remember(n)
		}
		return nil
	}))
}

// SetAccount writes the account into the record: a, or the result of current
// after the record had to be read again. The account is read after the record,
// each time: of two concurrent changes, the one that was stored first used to be
// written last, and a demoted administrator became one again by changing their
// name.
func (m *Manager) SetAccount(ctx context.Context, rec Record, now time.Time, a Account, current func(context.Context) (Account, error)) (Record, error) {
	for range maxSwaps {
		if rec.Account.Same(a) {
			return rec, nil
		}
		next := withAccount(rec, a, now)
		if next.IssuedAt.Sub(now) > maxAhead {
			return Record{}, &refusal.Error{Code: refusal.Busy, Detail: "This account is being changed too often. Try again shortly.", RetryAfter: maxAhead}
		}
		err := m.store.Swap(ctx, rec, next)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, ErrConflict) {
			return Record{}, err
		}
		if rec, err = m.store.Get(ctx, rec.UserID, rec.ID); err != nil {
			return Record{}, err
		}
		if a, err = current(ctx); err != nil {
			return Record{}, err
		}
	}
	return Record{}, fmt.Errorf("%w: %d swaps in a row met another writer", ErrSessionStore, maxSwaps)
}

// maxAhead is how far quick successive changes may date a token pair into the
// future. Revocations are remembered for that much longer.
const maxAhead = 30 * time.Second

// CheckWritable writes the caller's session record back unchanged. A change of
// the own password needs the record for new cookies: after a password change that
// was answered with 503 or 401, the old password would be wrong at the next
// attempt. Reading is not enough: a Redis that has become a replica refuses only
// writes.
func (m *Manager) CheckWritable(ctx context.Context, who Principal) error {
	rec, err := m.store.Get(ctx, who.UserID, who.SessionID)
	if err == nil {
		err = m.store.Swap(ctx, rec, rec)
	}
	switch {
	case errors.Is(err, ErrNoSession):
		return RevokedError(nil)
	case errors.Is(err, ErrConflict): // another request has stored it meanwhile
		return nil
	}
	return StoreError(err)
}

// Rotate gives the caller's session new cookies of the next generation. A copy of
// the old cookies then holds the parent: a new date for the same generation would
// leave the copy valid.
func (m *Manager) Rotate(ctx context.Context, who Principal) (Grant, error) {
	rec, err := m.store.Get(ctx, who.UserID, who.SessionID)
	if errors.Is(err, ErrNoSession) {
		return Grant{}, RevokedError(nil)
	}
	if err != nil {
		return Grant{}, StoreError(err)
	}
	return m.rotate(ctx, rec.token(), m.now(), withoutReissue)
}
