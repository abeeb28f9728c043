package auth

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// SessionView is what a browser may know about its session.
type SessionView struct {
	ID                string
	AccessExpiresAt   time.Time
	IdleExpiresAt     time.Time
	AbsoluteExpiresAt time.Time
	Remember          bool
}

// Describe says who somebody is and how long their session lasts. refresh is
// the browser's refresh token, "" when it has none. Refusals are *refusal.Error.
//
// It leans on whatever is up: the session half comes from the tokens alone,
// the account half from the user database or, when that is away, from the
// session record.
func (s *Service) Describe(ctx context.Context, who Principal, refresh string) (Account, SessionView, error) {
	view := s.view(who, refresh)
	if who.record != nil {
		return who.record.Account, view, nil
	}
	user, err := s.users.ByID(ctx, who.UserID)
	switch {
	case err == nil:
		return user.Account(), view, nil
	case errors.Is(err, ErrNoUser):
		return Account{}, SessionView{}, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked, Cause: err}
	case !errors.Is(err, ErrDatabase):
		return Account{}, SessionView{}, err
	}
	rec, recErr := s.sessions.Get(ctx, who.UserID, who.SessionID)
	if recErr != nil {
		return Account{}, SessionView{}, storeError(err)
	}
	return rec.Account, view, nil
}

func (s *Service) view(who Principal, refresh string) SessionView {
	v := SessionView{ID: who.SessionID, AccessExpiresAt: who.accessEnd}
	if r := who.record; r != nil {
		v.IdleExpiresAt, v.AbsoluteExpiresAt, v.Remember = r.IdleEnd, r.AbsoluteEnd, r.Remember
		return v
	}
	r, err := s.tokens.VerifyRefresh(refresh, s.now())
	if err != nil || r.SessionID != who.SessionID {
		// Without its refresh token a session lasts as long as the access token.
		v.IdleExpiresAt, v.AbsoluteExpiresAt = who.accessEnd, who.accessEnd
		return v
	}
	v.IdleExpiresAt, v.AbsoluteExpiresAt, v.Remember = r.ExpiresAt, r.AbsoluteEnd, r.Remember
	return v
}
