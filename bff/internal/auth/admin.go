package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// pageSize is the number of rows on a page of a list.
const pageSize = 50

// Users returns a page of accounts, for administrators, and the position of the
// next one; zero after the last. The time of a search is limited: the page may be
// short, or empty, and the search goes on with the next. Refusals are
// *refusal.Error.
func (s *Service) Users(ctx context.Context, who session.Principal, text string, after Position) ([]User, Position, error) {
	text = strings.TrimSpace(text)
	if text != "" {
		end, err := s.searches.begin(ctx, who.SessionID)
		if err != nil {
			return nil, Position{}, err
		}
		defer end()
	}
	if email, problem := ParseEmail(text); problem == "" {
		text = email.Address // as it is stored: an internationalised domain in its ASCII form
	}
	list, resume, err := s.users.List(ctx, UserQuery{Text: text, After: after, Limit: pageSize + 1})
	if err != nil {
		return nil, Position{}, storeError(err)
	}
	list, next := page(list, func(u User) Position { return u.position(text) })
	if next == (Position{}) {
		next = resume
	}
	return list, next, nil
}

// page cuts off the row that only shows that there are more.
func page[T any](list []T, at func(T) Position) ([]T, Position) {
	if len(list) <= pageSize {
		return list, Position{}
	}
	list = list[:pageSize]
	return list, at(list[pageSize-1])
}

// Activity returns a page of the audit trail about the caller, and the position
// of the next one. Refusals are *refusal.Error.
func (s *Service) Activity(ctx context.Context, who session.Principal, after Position) ([]Event, Position, error) {
	return s.Trail(ctx, who.UserID, "", after)
}

// Trail returns a page of the audit trail, for administrators: of one user or all
// (""), of one type or all. Refusals are *refusal.Error.
func (s *Service) Trail(ctx context.Context, userID string, what EventType, after Position) ([]Event, Position, error) {
	list, err := s.audit.Page(ctx, EventQuery{UserID: userID, Type: what, After: after, Limit: pageSize + 1})
	if err != nil {
		return nil, Position{}, storeError(err)
	}
	list, next := page(list, func(e Event) Position { return Position{At: e.At, ID: e.ID} })
	return list, next, nil
}

// maxChanges bounds the retries of a change whose conditions another change has
// made false.
const maxChanges = 16

// ChangeUser changes the role of an account, or disables or enables it; nil
// fields stay. It takes effect at once, on every instance: a disabled account's
// sessions end, the others' go on with the new role. Refusals are *refusal.Error;
// after one that says that the session store is unavailable, the change is
// stored, and the outbox brings it to the sessions.
func (s *Service) ChangeUser(ctx context.Context, by session.Principal, id string, role *session.Role, active *bool) (User, error) {
	if role != nil && !role.Valid() {
		return User{}, invalid("role", "This must be user or admin.")
	}
	if by.SessionID != "" { // operator commands have no session, and no limit
		// Counted apart from the account's own changes: those must not keep an
		// administrator from disabling it.
		if err := s.take(ctx, "change:"+by.UserID+" "+id, s.limits.Change); err != nil {
			return User{}, err
		}
	}
	x := s.pendingSync(id, by)
	var user User
	var events []Event
	err := ErrUserChanged
	for range maxChanges { // the events contain the old values
		if !errors.Is(err, ErrUserChanged) {
			break
		}
		var was User
		if was, err = s.users.ByID(ctx, id); err != nil {
			break
		}
		events = s.changes(ctx, by, was, role, active)
		user, err = s.users.Change(ctx, id, UserChange{Role: role, Active: active, IfRole: &was.Role, IfActive: &was.Active, Sync: &x}, events...)
	}
	if err != nil {
		return User{}, storeError(err)
	}
	for _, e := range events {
		switch e.Type {
		case EventRoleChanged:
			s.notify(ctx, NoticeRoleChanged, user.ID, user.Email.Address, byAdministrator, func(n *Notice) { n.Role = user.Role })
		case EventUserDisabled:
			s.notify(ctx, NoticeAccountDisabled, user.ID, user.Email.Address, byAdministrator)
		default: // an account that is enabled again gets no notice
		}
	}
	// A repeated change publishes again: the first one may have been stored and
	// not published.
	return user, s.syncSessions(ctx, x, len(events) == 0)
}

// changes returns the events of the fields that change.
func (s *Service) changes(ctx context.Context, by session.Principal, was User, role *session.Role, active *bool) (events []Event) {
	if role != nil && *role != was.Role {
		e := s.event(ctx, EventRoleChanged, was.ID, by, fmt.Sprintf("%s to %s", was.Role, *role))
		events = append(events, e)
	}
	if active != nil && *active != was.Active {
		what := map[bool]EventType{true: EventUserEnabled, false: EventUserDisabled}[*active]
		events = append(events, s.event(ctx, what, was.ID, by, ""))
	}
	return events
}

// EndUserSessions signs a user out everywhere. Refusals are *refusal.Error.
func (s *Service) EndUserSessions(ctx context.Context, by session.Principal, id string) error {
	found := false
	err := s.sessions.EndAll(ctx, id, by, session.ReasonAdmin, func(session.Record) bool { found = true; return true })
	if err != nil || found { // sessions of a deleted account end too
		return err
	}
	_, err = s.users.ByID(ctx, id)
	return storeError(err)
}

// UserByEmail returns an account by its address, for the operator. Refusals are
// *refusal.Error.
func (s *Service) UserByEmail(ctx context.Context, address string) (User, error) {
	email, problem := ParseEmail(address)
	if problem != "" {
		return User{}, invalid("email", problem)
	}
	user, err := s.users.ByEmail(ctx, email.Key)
	return user, storeError(err)
}

// CreateUser creates an account, for the operator: even where sign-up is closed.
// Refusals are *refusal.Error.
func (s *Service) CreateUser(ctx context.Context, by session.Principal, in Registration, role session.Role) (User, error) {
	if !role.Valid() {
		return User{}, invalid("role", "This must be user or admin.")
	}
	return s.createUser(ctx, in, role, by)
}

// SetPassword sets the password of an account, for the operator, and ends its
// sessions. Refusals are *refusal.Error.
func (s *Service) SetPassword(ctx context.Context, by session.Principal, user User, pw string) error {
	switch problem, err := s.passwordProblem(ctx, pw, user); {
	case err != nil:
		return err
	case problem != "":
		return invalid("password", problem)
	}
	hash, err := s.passwords.Hash(ctx, partyOf(ctx, user.Email), pw)
	if err != nil {
		return hashingError(err)
	}
	err = s.changePassword(ctx, user, hash, "", by)
	var refused *refusal.Error
	if errors.As(err, &refused) && refused.Code == refusal.WrongPassword {
		return storeError(refused.Cause)
	}
	return err
}
