package session

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Principal is the account and session that a request comes from.
type Principal struct {
	UserID    string
	SessionID string
	Email     string
	Role      Role

	pair      TokenPair // of the token that it was read from
	accessEnd time.Time
	record    *Record // when it was read from the store for this request; else nil
}

// Grant is the answer to a request that is authenticated.
type Grant struct {
	Principal Principal
	// Cookies is the new token pair to set, or nil when the browser has the
	// current one.
	Cookies *Cookies
}

// Authenticate identifies the sender of a request by its two cookies ("" for a
// missing one). A valid access token is enough and costs no I/O; otherwise the
// refresh token refreshes the session inline. Refusals are *refusal.Error.
func (m *Manager) Authenticate(ctx context.Context, access, refresh string) (Grant, error) {
	now := m.now()
	a, err := m.tokens.VerifyAccess(access, now)
	state := tokenGood
	if err == nil {
		state = m.revoked.stateOfAccess(a, now)
	}
	if err == nil && state == tokenGood {
		m.acks.noteUse(a, now)
		return Grant{Principal: Principal{
			UserID: a.UserID, SessionID: a.SessionID, Email: a.Email, Role: Role(a.Role),
			pair: TokenPair{a.Generation, a.IssuedAt}, accessEnd: a.ExpiresAt,
		}}, nil
	}
	if refresh != "" {
		return m.refresh(ctx, onTheWay, refresh)
	}
	switch {
	case state == tokenEnded:
		return Grant{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
	case state == tokenStale, errors.Is(err, token.ErrExpired):
		return Grant{}, &refusal.Error{Code: refusal.SessionExpired, Detail: detailExpired, Cause: err}
	default:
		return Grant{}, &refusal.Error{Code: refusal.NotAuthenticated, Detail: detailAnonymous, Cause: err}
	}
}

const (
	detailAnonymous = "Sign in first."
	detailExpired   = "Your session has expired. Sign in again."
	detailRevoked   = "This session was ended. Sign in again."
	detailReuse     = "This session was used from two places at once and has been ended everywhere. Sign in again."
)

// Issue mints the token pair of a stored record.
func (m *Manager) Issue(rec Record) (Grant, error) {
	cookies, err := m.mint(rec)
	if err != nil {
		return Grant{}, err
	}
	return m.grant(rec, cookies), nil
}

func (m *Manager) grant(rec Record, cookies *Cookies) Grant {
	return Grant{
		Principal: Principal{
			UserID: rec.UserID, SessionID: rec.ID, Email: rec.Account.Email, Role: rec.Account.Role,
			pair: rec.pair(), accessEnd: accessEnd(rec, m.policy.AccessTTL), record: &rec,
		},
		Cookies: cookies,
	}
}
