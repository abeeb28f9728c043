package auth

import "context"

// AccountChanged tells this instance, which may not be the one that wrote it.
func (s *Service) AccountChanged(ctx context.Context, userID string, a Account) error {
	return s.accountChanged(ctx, userID, func(context.Context) (Account, error) { return a, nil }, true)
}

// SettleRest is what every instance does again and again.
func (s *Service) SettleRest(ctx context.Context) { s.settleRest(ctx) }
