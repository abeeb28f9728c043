package auth

import (
	"context"
	"errors"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Registration is the input of a sign-up.
type Registration struct {
	Email    string
	Password string
	Name     string
}

const (
	maxNameCharacters = 100
	// maxNameBytes is more than such a name has in any encoding: a character has
	// at most four code points of four bytes each. A longer name is refused
	// without normalisation.
	maxNameBytes = 16 * maxNameCharacters
	nameTooLong  = "Use at most 100 characters."
)

// Register creates an account, and no session. Refusals are *refusal.Error.
func (s *Service) Register(ctx context.Context, in Registration) (User, error) {
	if !s.signupOpen {
		return User{}, &refusal.Error{Code: refusal.SignupClosed, Detail: "Accounts are made by an administrator here."}
	}
	// The cost of judging a password's strength is spent only where sign-up is
	// allowed.
	if err := s.take(ctx, "register:"+network(ctx), s.limits.Register); err != nil {
		return User{}, err
	}
	return s.createUser(ctx, in, session.RoleUser, session.Principal{})
}

// createUser creates an account; by is empty when people create their own.
func (s *Service) createUser(ctx context.Context, in Registration, role session.Role, by session.Principal) (User, error) {
	user, fields, err := s.newUser(ctx, in)
	if err != nil {
		return User{}, err
	}
	if len(fields) > 0 {
		return User{}, &refusal.Error{Code: refusal.ValidationFailed, Detail: "Some fields need another look.", Fields: fields}
	}
	user.Role = role
	// Checked first to save the hashing; the unique key decides races.
	switch _, err := s.users.ByEmail(ctx, user.Email.Key); {
	case err == nil:
		return User{}, errEmailTaken(nil)
	case !errors.Is(err, ErrNoUser):
		return User{}, storeError(err)
	}
	hash, err := s.passwords.Hash(ctx, partyOf(ctx, user.Email), in.Password)
	if err != nil {
		return User{}, hashingError(err)
	}
	user.PasswordHash = hash
	if by.UserID == "" {
		by.UserID = user.ID
	}
	e := s.event(ctx, EventRegistered, user.ID, by, "")
	e.At = user.CreatedAt
	err = s.users.Create(ctx, user, e)
	switch {
	case errors.Is(err, ErrEmailTaken):
		return User{}, errEmailTaken(err)
	case err != nil:
		return User{}, storeError(err)
	}
	return user, nil
}

// newUser checks every field, so that a form can show all mistakes.
func (s *Service) newUser(ctx context.Context, in Registration) (User, map[string]string, error) {
	fields := map[string]string{}
	email, problem := ParseEmail(in.Email)
	if problem != "" {
		fields["email"] = problem
	}
	name, problem := checkName(in.Name)
	if problem != "" {
		fields["name"] = problem
	}
	user := User{
		ID: newID(), Email: email, Name: name, Active: true,
		CreatedAt: s.now().UTC().Truncate(time.Millisecond),
	}
	problem, err := s.passwordProblem(ctx, in.Password, user)
	if problem != "" {
		fields["password"] = problem
	}
	return user, fields, err
}

func checkName(name string) (string, string) {
	if !utf8.ValidString(name) {
		return "", "The name is not valid text."
	}
	if len(name) > maxNameBytes {
		return "", nameTooLong
	}
	name = norm.NFC.String(name)
	for _, r := range name {
		if unicode.IsControl(r) {
			return "", "The name holds a control character."
		}
	}
	if utf8.RuneCountInString(name) > maxNameCharacters {
		return "", nameTooLong
	}
	return name, ""
}

func errEmailTaken(cause error) error {
	return &refusal.Error{Code: refusal.EmailTaken, Detail: "An account with this email exists. Sign in instead.", Cause: cause}
}
