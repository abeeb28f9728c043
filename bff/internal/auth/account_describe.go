package auth

import (
	"context"
	"errors"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Describe returns the caller's account and the lifetimes of the session. refresh
// is the browser's refresh token, "" when it has none. Refusals are
// *refusal.Error.
//
// It works with a store away: the session half comes from the tokens alone, the
// account half from the user database or, when that is away, from the session
// record.
func (s *Service) Describe(ctx context.Context, who session.Principal, refresh string) (session.Account, session.View, error) {
	view := s.sessions.View(who, refresh)
	if account, ok := who.KnownAccount(); ok {
		return account, view, nil
	}
	user, err := s.users.ByID(ctx, who.UserID)
	switch {
	case err == nil:
		return user.Account(), view, nil
	case errors.Is(err, ErrNoUser):
		return session.Account{}, session.View{}, session.RevokedError(err)
	case !errors.Is(err, ErrDatabase):
		return session.Account{}, session.View{}, err
	}
	account, recErr := s.sessions.StoredAccount(ctx, who)
	if recErr != nil {
		return session.Account{}, session.View{}, storeError(err)
	}
	return account, view, nil
}
