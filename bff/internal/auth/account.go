package auth

import (
	"context"
	"errors"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Rename changes the caller's own name. Refusals are *refusal.Error.
func (s *Service) Rename(ctx context.Context, who session.Principal, name string) (User, error) {
	if err := s.take(ctx, "change:"+who.UserID, s.limits.Change); err != nil {
		return User{}, err
	}
	name, problem := checkName(name)
	if problem != "" {
		return User{}, invalid("name", problem)
	}
	if user, err := s.users.ByID(ctx, who.UserID); err == nil && user.Name == name {
		return user, nil // unchanged: no audit event
	}
	// Session records carry the name for the time when the database is away; no
	// token does.
	x := s.pendingSync(who.UserID, who)
	user, err := s.users.Change(ctx, who.UserID, UserChange{Name: &name, Sync: &x}, s.event(ctx, EventProfileChanged, who.UserID, who, ""))
	if err != nil {
		return User{}, storeError(err)
	}
	if err := s.syncSessions(ctx, x, false); err != nil {
		s.log.Warn("sessions carry the old name for now", "user", user.ID, "error", err)
	}
	return user, nil
}

// ChangePassword changes the caller's own password, ends the other sessions, and
// returns new cookies for this one. Refusals are *refusal.Error.
func (s *Service) ChangePassword(ctx context.Context, who session.Principal, current, next string) (session.Grant, error) {
	if current == "" || password.TooLong(current) {
		return session.Grant{}, invalid("currentPassword", "Enter your current password.")
	}
	if problem := password.CheckShape(next); problem != "" {
		return session.Grant{}, invalid("newPassword", problem)
	}
	user, err := s.reauthenticate(ctx, who, current, func(user User) error {
		problem, err := s.passwordProblem(ctx, next, user)
		if problem != "" {
			return invalid("newPassword", problem)
		}
		return err
	})
	if err != nil {
		return session.Grant{}, err
	}
	hash, err := s.passwords.Hash(ctx, partyOf(ctx, user.Email), next)
	if err != nil {
		return session.Grant{}, hashingError(err)
	}
	if err := s.sessions.CheckWritable(ctx, who); err != nil {
		return session.Grant{}, err
	}
	if err := s.changePassword(ctx, user, hash, user.PasswordHash, who); err != nil {
		return session.Grant{}, err
	}
	return s.sessions.Rotate(ctx, who)
}

// changePassword stores a hash and ends all sessions but the one of by.
func (s *Service) changePassword(ctx context.Context, user User, hash, ifHash string, by session.Principal) error {
	x := s.pendingSync(user.ID, by)
	x.EndOlder, x.KeepSession = true, by.SessionID
	_, err := s.users.Change(ctx, user.ID, UserChange{PasswordHash: &hash, IfHash: ifHash, Sync: &x},
		s.event(ctx, EventPasswordChanged, user.ID, by, ""))
	if errors.Is(err, ErrHashChanged) {
		return errWrongPassword(err)
	}
	if err != nil {
		return storeError(err)
	}
	if by.UserID == user.ID {
		s.notify(ctx, NoticePasswordChanged, user.ID, user.Email.Address)
	} else {
		s.notify(ctx, NoticePasswordSet, user.ID, user.Email.Address, byAdministrator)
	}
	return s.syncSessions(ctx, x, false)
}

// detailOfAdmin marks the deletion of an account that had caused events about
// others: see redactDeleted.
const detailOfAdmin = "of an administrator"

// DeleteAccount removes the caller's own account and ends all its sessions. The
// audit trail stays. Refusals are *refusal.Error.
func (s *Service) DeleteAccount(ctx context.Context, who session.Principal, pw string) error {
	if pw == "" || password.TooLong(pw) {
		return invalid("password", "Enter your password.")
	}
	user, err := s.reauthenticate(ctx, who, pw, func(User) error { return nil })
	if err != nil {
		return err
	}
	if err := s.sessions.CheckWritable(ctx, who); err != nil {
		return err
	}
	x := s.pendingSync(user.ID, who)
	detail := ""
	if user.Role == session.RoleAdmin {
		detail = detailOfAdmin
	}
	e := s.event(ctx, EventAccountDeleted, user.ID, who, detail)
	if err := s.users.Delete(ctx, user.ID, e, x); err != nil {
		return storeError(err)
	}
	s.notify(ctx, NoticeAccountDeleted, user.ID, user.Email.Address)
	return s.syncSessions(ctx, x, false)
}

// reauthenticate checks a signed-in user's password once more: the person at an
// unlocked browser may not be its owner. check runs after the limit and before
// the hashing.
func (s *Service) reauthenticate(ctx context.Context, who session.Principal, pw string, check func(User) error) (User, error) {
	user, err := s.users.ByID(ctx, who.UserID)
	if errors.Is(err, ErrNoUser) {
		return User{}, session.RevokedError(err)
	}
	if err != nil {
		return User{}, storeError(err)
	}
	// Counted for the account: counted by session, each further sign-in gave the
	// thief of a cookie five more guesses.
	if err := s.take(ctx, "password:"+user.ID, s.limits.Password); err != nil {
		return User{}, err
	}
	if err := check(user); err != nil {
		return User{}, err
	}
	ok, _, err := s.verifyPassword(ctx, user, pw)
	if err != nil {
		return User{}, hashingError(err)
	}
	if !ok {
		e := s.event(ctx, EventLoginFailed, user.ID, who, "wrong password in a session")
		s.recordEvent(e)
		return User{}, errWrongPassword(nil)
	}
	return user, nil
}

func errWrongPassword(cause error) error {
	return &refusal.Error{Code: refusal.WrongPassword, Detail: "The password is wrong.", Cause: cause}
}

func invalid(field, problem string) error {
	return &refusal.Error{Code: refusal.ValidationFailed, Detail: "Some fields need another look.", Fields: map[string]string{field: problem}}
}
