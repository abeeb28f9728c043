package auth

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Credentials is the input of a sign-in.
type Credentials struct {
	Email    string
	Password string
	Remember bool
	Device   string // the device cookie of the browser, "" when it has none
}

// SignedIn is a new session and the device cookie to set beside its cookies.
type SignedIn struct {
	session.Grant
	Device string
}

// SignIn opens a new session. The browser's earlier cookies are ignored, so one
// that an attacker planted is never adopted. An unknown email takes the time of a
// wrong password and gets the same answer. Refusals are *refusal.Error.
func (s *Service) SignIn(ctx context.Context, in Credentials) (SignedIn, error) {
	opened, err := s.signIn(ctx, in)
	s.observe.SignedIn(outcomeOf(ctx, err))
	return opened, err
}

func (s *Service) signIn(ctx context.Context, in Credentials) (SignedIn, error) {
	email, fields := checkCredentials(in)
	if len(fields) > 0 {
		return SignedIn{}, &refusal.Error{Code: refusal.ValidationFailed, Detail: "Some fields need another look.", Fields: fields}
	}
	user, counter, err := s.admit(ctx, email, in.Device)
	if err != nil {
		return SignedIn{}, err
	}
	wait, err := s.limiter.Attempt(ctx, counter)
	s.limited("failures", wait, err)
	// Also for a client that has disconnected: without a turn in the queue it has
	// guessed nothing.
	counting := context.WithoutCancel(ctx)
	if err := refusal.TooMany(wait, err); err != nil {
		return SignedIn{}, err
	}
	// Without an account the stored hash is "" and ok is false.
	user.Email.Key = email.Key
	ok, rehash, err := s.verifyPassword(ctx, user, in.Password)
	switch {
	case err != nil:
		return SignedIn{}, errors.Join(hashingError(err), s.limiter.Undo(counting, counter))
	case !ok:
		s.failed(ctx, user, "wrong email or password")
		return SignedIn{}, &refusal.Error{Code: refusal.InvalidCredentials, Detail: detailWrong}
	}
	// From here on a disconnect changes nothing: a right guess without a trace
	// would be worth more than a wrong one.
	ctx, cancel := context.WithTimeout(counting, openTimeout)
	defer cancel()
	if err := s.limiter.Forget(ctx, counter); err != nil {
		return SignedIn{}, err
	}
	if !user.Active {
		s.failed(ctx, user, "account disabled")
		return SignedIn{}, &refusal.Error{Code: refusal.AccountDisabled, Detail: detailDisabled}
	}
	opened, err := s.open(ctx, user, in)
	if err == nil && rehash {
		s.rehash(ctx, user, in.Password)
	}
	return opened, err
}

const (
	detailWrong    = "Email or password is wrong."
	detailDisabled = "This account is disabled. Ask an administrator."
)

// openTimeout bounds the work after a right password.
const openTimeout = 10 * time.Second

// admit applies the limits before a password is checked, and names the counter of
// its failures. A browser that has signed in to the account before is outside the
// counts of its network and of its account's failures: attackers elsewhere cannot
// lock the owner out. Its device cookie opens no further count, though: all
// sign-ins from one network at one account are one count. One address with device
// cookies, which every sign-in gives, made 66 of them in 33 s.
func (s *Service) admit(ctx context.Context, email Email, device string) (user User, counter string, err error) {
	networks := func() error { return s.take(ctx, "signin:"+network(ctx), s.limits.SignIn) }
	if device == "" { // before any database work
		if err := networks(); err != nil {
			return User{}, "", err
		}
	}
	user, err = s.users.ByEmail(ctx, email.Key)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return User{}, "", storeError(err)
	}
	counter, err = "account:"+email.Key, nil
	switch {
	case user.ID != "" && s.tokens.VerifyDevice(device, user.ID):
		counter, err = "device:"+device, s.take(ctx, "signin:"+device, s.limits.SignIn)
	case device != "":
		err = networks()
	}
	if err != nil {
		return User{}, "", err
	}
	// After the others: it has as many keys as there are emails, and a sender of
	// made-up device cookies created a key with each request.
	return user, counter, s.take(ctx, "signin-account:"+network(ctx)+" "+email.Key, s.limits.SignIn)
}

func checkCredentials(in Credentials) (Email, map[string]string) {
	fields := map[string]string{}
	email, problem := ParseEmail(in.Email)
	if problem != "" {
		fields["email"] = problem
	}
	switch {
	case in.Password == "":
		fields["password"] = "Enter your password."
	case password.TooLong(in.Password):
		fields["password"] = "Use at most 256 characters."
	}
	return email, fields
}

// open stores a session of generation 1 and mints its cookies; without a stored
// session there are no cookies.
func (s *Service) open(ctx context.Context, user User, in Credentials) (SignedIn, error) {
	now := s.now()
	rec, err := s.sessions.Open(ctx, user.ID, user.Account(), in.Remember)
	if err != nil {
		return SignedIn{}, err
	}
	rec, err = s.confirm(ctx, rec, user, in.Password)
	if err != nil {
		s.sessions.Discard(ctx, rec, "the account changed meanwhile", now)
		return SignedIn{}, err
	}
	grant, err := s.sessions.Issue(rec)
	if err != nil {
		return SignedIn{}, err
	}
	e := s.event(ctx, EventLoginSucceeded, user.ID, session.Principal{UserID: user.ID, SessionID: rec.ID}, "")
	e.At = now
	s.recordEvent(e)
	device := in.Device
	if !s.tokens.VerifyDevice(device, user.ID) {
		device = s.tokens.NewDevice(user.ID)
		s.notify(ctx, NoticeNewBrowser, user.ID, user.Email.Address, func(n *Notice) { n.sessionID = rec.ID })
	}
	return SignedIn{Grant: grant, Device: device}, nil
}

// confirm reads the account again once the session is stored. Changes of an
// account look for its sessions after that: a change while the password was being
// checked would find no session, and the session would keep the old role.
func (s *Service) confirm(ctx context.Context, rec session.Record, was User, pw string) (session.Record, error) {
	user, err := s.users.ByID(ctx, was.ID)
	if err == nil && user.PasswordHash != was.PasswordHash { // another password, or a new hash of the same
		ok, _, hashErr := s.verifyPassword(ctx, user, pw)
		if hashErr != nil {
			return rec, hashingError(hashErr)
		}
		if ok {
			was.PasswordHash = user.PasswordHash
		}
	}
	switch {
	case errors.Is(err, ErrNoUser), err == nil && user.PasswordHash != was.PasswordHash:
		return rec, &refusal.Error{Code: refusal.InvalidCredentials, Detail: detailWrong}
	case err != nil:
		return rec, storeError(err)
	case !user.Active:
		return rec, &refusal.Error{Code: refusal.AccountDisabled, Detail: detailDisabled}
	case user.Account().Same(rec.Account):
		return rec, nil
	}
	changed, err := s.sessions.SetAccount(ctx, rec, rec.CreatedAt, user.Account(), s.accountOf(rec.UserID))
	switch {
	case errors.Is(err, session.ErrNoSession):
		return rec, session.RevokedError(nil)
	case err != nil:
		return rec, storeError(err)
	}
	return changed, nil
}

func (s *Service) failed(ctx context.Context, user User, why string) {
	e := s.event(ctx, EventLoginFailed, user.ID, session.Principal{}, why)
	s.recordEvent(e)
}

// rehash raises an old hash to today's cost, or converts one of another system.
// The sign-in does not depend on it.
func (s *Service) rehash(ctx context.Context, user User, pw string) {
	hash, err := s.passwords.Hash(ctx, partyOf(ctx, user.Email), pw)
	if err == nil {
		err = s.users.SetPasswordHash(ctx, user.ID, user.PasswordHash, hash)
	}
	s.rehashOutages.Note(err)
}
