package auth

import "context"

// AccountChanged tells this instance, which may not be the one that wrote it.
func (s *Service) AccountChanged(ctx context.Context, userID string, a Account) error {
	return s.accountChanged(ctx, userID, a, true)
}

// Settle is what follows a change that is stored.
func (s *Service) Settle(ctx context.Context, user User) error { return s.settle(ctx, user, "", false) }
