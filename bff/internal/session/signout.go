package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// SignOut ends the sessions that the two cookies belong to ("" for a missing
// one). Expired tokens are accepted: they still prove whose session it is.
// Without a session, or after its end, nothing is written: a dead token repeated
// a million times leaves no trace.
//
// When the store is away the answer is a *refusal.Error, this instance rejects
// the session at once and retries to end it everywhere.
func (m *Manager) SignOut(ctx context.Context, access, refresh string) error {
	now := m.now()
	var failure error
	for _, e := range m.endsOf(access, refresh, now) {
		out := Ending{Kind: EndSignOut, Ends: []Revocation{e}, ActorID: e.UserID, At: now, Client: ClientFrom(ctx)}
		_, err := m.store.Get(ctx, e.UserID, e.SessionID)
		if errors.Is(err, ErrNoSession) {
			m.endLeftover(ctx, access, e, now)
			continue
		}
		if err == nil {
			err = m.endNow(ctx, e)
		}
		if err != nil {
			m.EndLater(out)
			failure = StoreError(err)
			continue
		}
		m.recorder.SessionsEnded(out)
	}
	return failure
}

// endLeftover ends an access token that outlived its record: the store was
// emptied, and no other instance would learn of the sign-out. It acts once a
// session: a repeated token writes nothing more.
func (m *Manager) endLeftover(ctx context.Context, access string, e Revocation, now time.Time) {
	if a, err := m.tokens.VerifyAccess(access, now); err != nil || a.SessionID != e.SessionID || !m.Alive(e.SessionID) {
		return
	}
	m.revoked.remember(e)
	m.leftoverOutages.Note(m.revocations.Publish(ctx, e))
}

// endsOf returns the sessions of both cookies: after a mix-up they may be two.
func (m *Manager) endsOf(access, refresh string, now time.Time) []Revocation {
	var ends []Revocation
	if r, err := m.tokens.VerifyRefresh(refresh, now); err == nil || errors.Is(err, token.ErrExpired) {
		ends = append(ends, Revocation{UserID: r.UserID, SessionID: r.SessionID, Reason: ReasonSignOut, At: now})
	}
	if a, err := m.tokens.VerifyAccess(access, now); err == nil || errors.Is(err, token.ErrExpired) {
		if len(ends) == 0 || ends[0].SessionID != a.SessionID {
			ends = append(ends, Revocation{UserID: a.UserID, SessionID: a.SessionID, Reason: ReasonSignOut, At: now})
		}
	}
	return ends
}
