package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// User is an account.
type User struct {
	ID            string // newID
	Email         Email
	Name          string // at most 100 characters, may be empty
	Role          session.Role
	PasswordHash  string // as package password writes it; never leaves the server
	Active        bool
	EmailVerified bool
	CreatedAt     time.Time // UTC, whole milliseconds
}

// Users stores accounts. Errors other than the ones named mean that the database
// is unavailable; implementations wrap them in ErrDatabase.
type Users interface {
	// Create stores u and its audit event in one transaction: both or neither.
	// ErrEmailTaken when an account with the same Email.Key exists, also when
	// two calls race.
	Create(ctx context.Context, u User, e Event) error
	// ByID and ByEmail return ErrNoUser when there is no such account.
	ByID(ctx context.Context, id string) (User, error)
	ByEmail(ctx context.Context, key string) (User, error)
	// Change applies c and stores its audit events, in one transaction: all or
	// nothing. It returns the changed account, and ErrNoUser when there is none.
	// Concurrent calls are serialised: ErrLastAdmin when no active administrator
	// would be left, whichever other accounts change at the moment;
	// ErrHashChanged when c.IfHash is not the stored hash any more, and
	// ErrUserChanged when another condition does not hold.
	Change(ctx context.Context, id string, c UserChange, events ...Event) (User, error)
	// Delete removes the account and stores its audit event, in one
	// transaction. ErrNoUser and ErrLastAdmin as with Change.
	Delete(ctx context.Context, id string, e Event, s PendingSync) error
	// PendingSyncs returns the outbox: entries stored until then, the oldest
	// first.
	PendingSyncs(ctx context.Context, until time.Time, limit int) ([]PendingSync, error)
	// SyncsDone removes entries of the outbox; a missing one is not an error.
	SyncsDone(ctx context.Context, done ...PendingSync) error
	// List returns accounts: the newest first, or of a text as Text says. When it
	// has neither read all of them nor found Limit, resume is its position: a
	// further query begins there. ErrSearchTooWide when it made no progress in
	// the time of a query.
	List(ctx context.Context, q UserQuery) (found []User, resume Position, err error)
	// SetPasswordHash replaces old by next; when the stored hash is no longer old
	// (the password was changed meanwhile) it does nothing.
	SetPasswordHash(ctx context.Context, id, old, next string) error
}

// UserChange is a change of an account; nil fields stay.
type UserChange struct {
	Name         *string
	Role         *session.Role
	Active       *bool
	PasswordHash *string
	// IfHash, IfRole and IfActive, where given, are conditions of the change and
	// its events.
	IfHash   string
	IfRole   *session.Role
	IfActive *bool
	// Sync, where given, is stored in the same transaction.
	Sync *PendingSync
}

// PendingSync is an entry of the transactional outbox: a change of an account is
// stored and has yet to reach the account's sessions, which are in another store.
// It is stored with the change and removed once the sessions have it, through
// crashes and restarts.
type PendingSync struct {
	ID      string // newID
	UserID  string
	ActorID string // the account that made the change
	At      time.Time
	// EndOlder ends the sessions from before At, except KeepSession.
	EndOlder    bool
	KeepSession string
}

// UserQuery selects a page of accounts.
type UserQuery struct {
	// Text is part of the email address or of the name, in any case; every
	// character means itself. Empty: all accounts. Those whose address begins
	// with it come first, by Email.Key, then the others, the newest first.
	Text  string
	After Position // the last one of the page before; zero: from the start
	Limit int      // at least 1
}

// Position is a position in a list that is sorted by time, the newest first, and
// where times are equal by id, byte by byte, the greatest first.
type Position struct {
	At time.Time // whole milliseconds
	ID string
	// Key, in a search, is the Email.Key of an account whose address begins with
	// the text: those come first, in this order. At and ID are zero then.
	Key string
}

// Account is the part of u that a session carries.
func (u User) Account() session.Account {
	return session.Account{Email: u.Email.Address, Name: u.Name, Role: u.Role, EmailVerified: u.EmailVerified, CreatedAt: u.CreatedAt}
}

// position returns the position of u in the list of a search for text, or of all.
func (u User) position(text string) Position {
	if u.AddressBegins(text) {
		return Position{Key: u.Email.Key}
	}
	return Position{At: u.CreatedAt, ID: u.ID}
}

// AddressBegins reports whether u is among those that a search for text finds
// first.
func (u User) AddressBegins(text string) bool {
	return text != "" && strings.HasPrefix(u.Email.Key, AddressPrefix(text))
}

// AddressPrefix returns the beginning of the Email.Key of accounts whose address
// begins with text.
func AddressPrefix(text string) string { return strings.ToLower(text) }

// Errors of Users.
var (
	ErrNoUser      = errors.New("no such user")
	ErrEmailTaken  = errors.New("an account with this email exists")
	ErrLastAdmin   = errors.New("no active administrator would be left")
	ErrHashChanged = errors.New("the password was changed meanwhile")
	ErrUserChanged = errors.New("the account was changed meanwhile")
	// ErrWriteConflict: concurrent writes to the same rows used up the time.
	// Nothing is stored; a retry may succeed.
	ErrWriteConflict = errors.New("others changed the same data at this moment")
	// ErrSearchTooWide: the database could not read the first accounts of a
	// search in time.
	ErrSearchTooWide = errors.New("the search takes too long")
	// ErrDatabase wraps the failures of the user database.
	ErrDatabase = errors.New("the user database is unavailable")
)
