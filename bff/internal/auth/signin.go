package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// Credentials is what somebody signs in with.
type Credentials struct {
	Email    string
	Password string
	Remember bool
	Device   string // the device mark of the browser, "" when it has none
}

// SignedIn is a new session and the device mark to set beside its cookies.
type SignedIn struct {
	Grant
	Device string
}

// SignIn opens a new session; what cookies the browser came with does not
// matter, so none that an attacker planted is ever adopted. An unknown email
// takes the time of a wrong password and gets the same answer. Refusals are
// *refusal.Error.
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
	// Also for a client that is gone: who left the queue has guessed nothing.
	counting := context.WithoutCancel(ctx)
	if err := tooMany(wait, err); err != nil {
		return SignedIn{}, err
	}
	// Without an account the stored hash is "" and the answer is no.
	user.Email.Key = email.Key
	ok, rehash, err := s.verifyPassword(ctx, user, in.Password)
	switch {
	case err != nil:
		return SignedIn{}, errors.Join(hashingError(err), s.limiter.Undo(counting, counter))
	case !ok:
		s.failed(ctx, user, "wrong email or password")
		return SignedIn{}, &refusal.Error{Code: refusal.InvalidCredentials, Detail: detailWrong}
	}
	// From here on a client that hangs up changes nothing: a right guess that
	// leaves no trace would be worth more than a wrong one.
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

// openTimeout bounds what follows a right password.
const openTimeout = 10 * time.Second

// admit lets a sign-in be judged, or not yet, and names the counter of its
// failures. A browser that has signed in to the account before is not in the
// counts of its network and of its account's failures: others elsewhere lock its
// owner out of nothing. Its device cookie opens no further count, though: all
// sign-ins from one network at one account are one count. One address with
// device cookies, which every sign-in gives, made 66 of them in 33 s.
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
	// After the others: it has as many keys as there are emails, and a sender
	// that made up device cookies began a key with each request.
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

// open stores a session of generation 1 and mints its cookies; a session that
// could not be stored leaves no cookies behind.
func (s *Service) open(ctx context.Context, user User, in Credentials) (SignedIn, error) {
	now := s.now()
	issued := now.Truncate(time.Second)
	c := clientFrom(ctx)
	end := issued.Add(s.policy.SessionMaxAge)
	rec := Session{
		ID: newID(), UserID: user.ID, Account: user.Account(), Remember: in.Remember,
		CreatedAt: now.Truncate(time.Millisecond), AbsoluteEnd: end,
		Generation: 1, IssuedAt: issued, IdleEnd: earlier(issued.Add(s.policy.idleTTL(in.Remember)), end),
		LastSeenAt: now.Truncate(time.Millisecond), IP: c.IP, UserAgent: c.UserAgent,
	}
	displaced, err := s.sessions.Create(ctx, rec)
	if err != nil {
		return SignedIn{}, storeError(err)
	}
	if len(displaced) > 0 {
		by := Principal{UserID: user.ID}
		// The sign-in does not depend on it: the records are gone already.
		_ = s.endOrFinishLater(ctx, s.endingOf(ctx, user.ID, by, ReasonSessionLimit, displaced...))
	}
	rec, err = s.confirm(ctx, rec, user, in.Password)
	if err != nil {
		// Nobody has its cookies, and nobody is to get them.
		s.finishLater(signOut{
			ends: []Revocation{{UserID: rec.UserID, SessionID: rec.ID, Reason: ReasonSignOut, At: now}},
			event: Event{
				ID: newID(), Type: EventLoginFailed, UserID: user.ID, Detail: "the account changed meanwhile",
				IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
			},
		})
		return SignedIn{}, err
	}
	cookies, err := s.mint(rec)
	if err != nil {
		return SignedIn{}, err
	}
	s.trail.add(Event{
		ID: newID(), Type: EventLoginSucceeded, UserID: user.ID, ActorID: user.ID, SessionID: rec.ID,
		IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
	})
	device := in.Device
	if !s.tokens.VerifyDevice(device, user.ID) {
		device = s.tokens.NewDevice(user.ID)
		s.notify(ctx, NoticeNewBrowser, user.ID, user.Email.Address, func(n *Notice) { n.sessionID = rec.ID })
	}
	return SignedIn{Grant: s.grant(rec, cookies), Device: device}, nil
}

// confirm reads the account again once the session is stored. Whoever changes
// an account looks for its sessions after that: a change while the password
// was being checked would find no session, and the session the old role.
func (s *Service) confirm(ctx context.Context, rec Session, was User, pw string) (Session, error) {
	user, err := s.users.ByID(ctx, was.ID)
	if err == nil && user.PasswordHash != was.PasswordHash { // another password, or the same hashed anew
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
	case user.Account().same(rec.Account):
		return rec, nil
	}
	changed, err := s.setAccount(ctx, rec, rec.CreatedAt, user.Account(), s.accountOf(rec.UserID))
	switch {
	case errors.Is(err, ErrNoSession):
		return rec, &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked}
	case err != nil:
		return rec, storeError(err)
	}
	return changed, nil
}

func (s *Service) failed(ctx context.Context, user User, why string) {
	c := clientFrom(ctx)
	s.trail.add(Event{
		ID: newID(), Type: EventLoginFailed, UserID: user.ID, Detail: why,
		IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: s.now(),
	})
}

// rehash raises an old hash to today's cost, or makes one of another system's
// our own. The sign-in does not depend on it.
func (s *Service) rehash(ctx context.Context, user User, pw string) {
	hash, err := s.passwords.Hash(ctx, partyOf(ctx, user.Email), pw)
	if err == nil {
		err = s.users.SetPasswordHash(ctx, user.ID, user.PasswordHash, hash)
	}
	s.rehashOutages.tell(err)
}

// Account is the part of u that a session carries.
func (u User) Account() Account {
	return Account{Email: u.Email.Address, Name: u.Name, Role: u.Role, EmailVerified: u.EmailVerified, CreatedAt: u.CreatedAt}
}

// maxUserAgent bounds what a browser's own words take up in every record.
const maxUserAgent = 256

// ClientKey is what a request's context has its Client under, for audit events
// and session records.
type ClientKey struct{}

func clientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(ClientKey{}).(Client)
	if len(c.UserAgent) > maxUserAgent {
		c.UserAgent = c.UserAgent[:maxUserAgent]
	}
	c.UserAgent = strings.ToValidUTF8(c.UserAgent, "")
	return c
}
