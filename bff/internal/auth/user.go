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

// Users keeps accounts. Errors other than the ones named mean that the
// database could not be asked; implementations wrap them in ErrDatabase.
type Users interface {
	// Create stores u and its audit event in one transaction: both or neither.
	// ErrEmailTaken when an account with the same Email.Key exists, also when
	// two calls race.
	Create(ctx context.Context, u User, e Event) error
	// ByID and ByEmail answer ErrNoUser when there is no such account.
	ByID(ctx context.Context, id string) (User, error)
	ByEmail(ctx context.Context, key string) (User, error)
	// Change applies c and stores its audit events, in one transaction: all or
	// nothing. It gives the account as it is then, and ErrNoUser when there is
	// none. Calls that race are put in order: ErrLastAdmin when no active
	// administrator would be left, whoever else is being changed at the moment;
	// ErrHashChanged when c.IfHash is not the stored hash any more, and
	// ErrUserChanged when another condition does not hold.
	Change(ctx context.Context, id string, c UserChange, events ...Event) (User, error)
	// Delete removes the account and stores its audit event, in one
	// transaction. ErrNoUser and ErrLastAdmin as with Change.
	Delete(ctx context.Context, id string, e Event, s PendingSync) error
	// PendingSyncs gives settlements stored until then, the oldest first.
	PendingSyncs(ctx context.Context, until time.Time, limit int) ([]PendingSync, error)
	// SyncsDone removes settlements; one that is not there is fine.
	SyncsDone(ctx context.Context, done ...PendingSync) error
	// List gives accounts: the newest first, or of a text as Text says. Where it
	// has not looked through all of them, and not found Limit either, resume is
	// how far it came: a further query begins there. ErrSearchTooWide when it
	// came nowhere in the time that a query has.
	List(ctx context.Context, q UserQuery) (found []User, resume Position, err error)
	// SetPasswordHash replaces old by next; when the stored hash is no longer
	// old (somebody changed the password meanwhile) it does nothing.
	SetPasswordHash(ctx context.Context, id, old, next string) error
}

// UserChange is what is to be changed of an account; nil leaves a thing alone.
type UserChange struct {
	Name         *string
	Role         *session.Role
	Active       *bool
	PasswordHash *string
	// IfHash, IfRole and IfActive, where given, are what the change and its
	// events depend on.
	IfHash   string
	IfRole   *session.Role
	IfActive *bool
	// Settle, where given, is stored in the same transaction.
	Sync *PendingSync
}

// PendingSync says that a change of an account is stored and has yet to reach
// the account's sessions, which are in another store: it is kept with the
// change until it has, through crashes and restarts.
type PendingSync struct {
	ID      string // newID
	UserID  string
	ActorID string // who made the change
	At      time.Time
	// EndOlder: sessions from before At end, but for KeepSession.
	EndOlder    bool
	KeepSession string
}

// UserQuery asks for a page of accounts.
type UserQuery struct {
	// Text is part of the email address or of the name, in any case; every
	// character means itself. Empty: all accounts. Those whose address begins
	// with it come first, by Email.Key, then the others, the newest first.
	Text  string
	After Position // the last one of the page before; zero: from the start
	Limit int      // at least 1
}

// Position is a place in a list that is sorted by time, the newest first, and
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

// position is where u stands in the list of a search for text, or of all.
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

// AddressPrefix is what the Email.Key of an account begins with, if its address
// begins with text.
func AddressPrefix(text string) string { return strings.ToLower(text) }

// Answers of Users.
var (
	ErrNoUser      = errors.New("no such user")
	ErrEmailTaken  = errors.New("an account with this email exists")
	ErrLastAdmin   = errors.New("no active administrator would be left")
	ErrHashChanged = errors.New("the password was changed meanwhile")
	ErrUserChanged = errors.New("the account was changed meanwhile")
	// ErrWriteConflict: others wrote the same rows until the time was over.
	// Nothing is stored; the same may succeed when it is done again.
	ErrWriteConflict = errors.New("others changed the same data at this moment")
	// ErrSearchTooWide: the database could not look through the first accounts of
	// a search in time.
	ErrSearchTooWide = errors.New("the search takes too long")
	// ErrDatabase wraps whatever kept the user database from answering.
	ErrDatabase = errors.New("the user database could not be asked")
)
