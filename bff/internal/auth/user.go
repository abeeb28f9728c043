package auth

import (
	"context"
	"errors"
	"time"
)

// Role is what an account may do. Roles are exact: admin does not include user.
type Role string

// The roles there are.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Valid reports whether r is a role that exists.
func (r Role) Valid() bool { return r == RoleUser || r == RoleAdmin }

// User is an account.
type User struct {
	ID            string // newID
	Email         Email
	Name          string // at most 100 characters, may be empty
	Role          Role
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
	// SetPasswordHash replaces old by next; when the stored hash is no longer
	// old (somebody changed the password meanwhile) it does nothing.
	SetPasswordHash(ctx context.Context, id, old, next string) error
}

// Answers of Users.
var (
	ErrNoUser     = errors.New("no such user")
	ErrEmailTaken = errors.New("an account with this email exists")
	// ErrDatabase wraps whatever kept the user database from answering.
	ErrDatabase = errors.New("the user database could not be asked")
)
