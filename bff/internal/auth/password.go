package auth

import (
	"context"
	"errors"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// partyOf returns the shares of the hashing queue that a computation takes: of
// the account, known or not, and of the client's network.
func partyOf(ctx context.Context, account Email) password.Party {
	return password.Party{Account: account.Key, Network: network(ctx)}
}

// verifyPassword reports whether pw is the password of user, and whether its hash
// should be renewed. Without an account user is the zero User with the given
// address, and ok is false. For an unreadable stored hash ok is false as well:
// only the operator can repair it.
func (s *Service) verifyPassword(ctx context.Context, user User, pw string) (ok, rehash bool, err error) {
	ok, rehash, err = s.passwords.Verify(ctx, partyOf(ctx, user.Email), user.PasswordHash, pw)
	if errors.Is(err, password.ErrUnreadableHash) || err == nil && user.ID != "" && user.PasswordHash == "" {
		if err == nil {
			err = errNoHash
		}
		s.log.Error("this account cannot sign in until it is given another password (gatehouse user set-password)", "user", user.ID, "error", err)
		return false, false, nil
	}
	return ok, rehash, err
}

var errNoHash = errors.New("no password hash is stored")

// passwordProblem returns the reason why pw is refused as a new password of user,
// or "". It waits in the hashing queue: every limit comes before it.
func (s *Service) passwordProblem(ctx context.Context, pw string, user User) (string, error) {
	problem, err := s.passwords.Judge(ctx, partyOf(ctx, user.Email), pw, user.Email.localPart(), user.Name)
	return problem, hashingError(err)
}

// hashingError converts a full queue into a refusal.
func hashingError(err error) error {
	if errors.Is(err, password.ErrBusy) {
		return &refusal.Error{Code: refusal.Busy, Detail: "Many people are signing in right now. Try again in a moment.",
			RetryAfter: password.RetryAfter, Cause: err}
	}
	return err
}
