package session

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Record is the stored record of one sign-in. It carries everything that a
// token needs, so that a refresh never asks the user database and nothing can
// fail after a rotation is stored.
type Record struct {
	ID     string
	UserID string

	// Account is the user as of sign-in or of the last change to it. Whoever
	// changes an account updates or ends its sessions too.
	Account Account

	Remember    bool
	CreatedAt   time.Time // sign-in
	AbsoluteEnd time.Time // no rotation moves it

	// Generation counts rotations; the first pair of tokens is generation 1.
	Generation uint32
	// IssuedAt is when the current pair was minted, in whole seconds, so that
	// minting it again gives the same bytes. Within a generation it only grows.
	IssuedAt time.Time
	// IdleEnd is when the session ends unless renewed; never after AbsoluteEnd.
	IdleEnd time.Time
	// ReceivedAt is the first use of an access token of this generation: the
	// proof that the browser has the current cookies. Zero: not seen yet.
	ReceivedAt time.Time
	// ReissueUntil is until when the current pair, handed out again with an access
	// token that was dead, is given a new date instead of a new generation.
	ReissueUntil time.Time
	// Reissues is how many of its dates this generation owes to settling.
	Reissues uint8

	LastSeenAt time.Time
	IP         string // of the sign-in
	UserAgent  string // of the sign-in, cut to 256 bytes

	// Version is for compare-and-swap: it changes with every write.
	Version uint64
}

// Role is what an account may do. Roles are exact: admin does not include user.
type Role string

// The roles there are.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin"
)

// Roles lists every Role.
var Roles = []Role{RoleUser, RoleAdmin}

// Valid reports whether r is a role that exists.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// Account is the part of a user's account that a session carries.
type Account struct {
	Email         string
	Name          string
	Role          Role
	EmailVerified bool
	CreatedAt     time.Time
}

// pair is the current one.
func (s Record) pair() TokenPair { return TokenPair{s.Generation, s.IssuedAt} }

// Same reports whether a and b say the same: stores keep times to the millisecond.
func (a Account) Same(b Account) bool {
	sameTime := a.CreatedAt.Truncate(time.Millisecond).Equal(b.CreatedAt.Truncate(time.Millisecond))
	a.CreatedAt = b.CreatedAt
	return sameTime && a == b
}

// ended reports whether the session is past its idle or absolute end.
func (s Record) ended(now time.Time) bool {
	return !now.Before(s.IdleEnd) || !now.Before(s.AbsoluteEnd)
}

// MaxSessions is how many live sessions an account has: more devices than a
// person owns, and few enough that a change of the account reaches all of them
// at once. Without a bound an account with 160,000 sessions could not be
// disabled any more.
const MaxSessions = 100

// Store keeps session records, and nothing but keeps them: what a rotation
// means is decided by decide, stores only compare and swap. Errors other than
// the ones named mean that the store could not be asked; implementations wrap
// them in ErrSessionStore, because "no session" signs somebody out and "could
// not ask" must not.
type Store interface {
	// Create stores a new session, to be forgotten at its IdleEnd. In the same
	// step the account's sessions above MaxSessions are removed, those seen
	// longest ago, and their ids given: the caller ends them with End, which
	// announces them. A store that cannot announce in that step gives those that
	// wait for some seconds again, with a later Create of the account, until End
	// has been called.
	Create(ctx context.Context, s Record) (displaced []string, err error)
	// Get answers ErrNoSession when the record is not there (any more).
	Get(ctx context.Context, userID, id string) (Record, error)
	// Swap replaces the record whose Version is old.Version by next, stored
	// with Version old.Version+1, and moves its expiry to next.IdleEnd.
	// ErrConflict when the stored version is another one, ErrNoSession when
	// there is none: Swap never brings an ended session back.
	Swap(ctx context.Context, old, next Record) error
	// Page gives a part of the user's live sessions, in no order, and where the
	// next one begins: "" is the start, and "" the end. Each session that is
	// there all the while is in one of the pages, or in several.
	Page(ctx context.Context, userID, cursor string) (page []Record, next string, err error)
	// End removes the sessions and announces each to every follower. Ending
	// what has ended already is fine. No announcement is ever lost while the
	// removal is kept.
	End(ctx context.Context, ends ...Revocation) error
}

// Answers of Store.
var (
	ErrNoSession = errors.New("no such session")
	ErrConflict  = errors.New("the session was changed meanwhile")
	// ErrSessionStore wraps whatever kept the session store from answering.
	ErrSessionStore = errors.New("the session store could not be asked")
)

// Revocation says that a session has ended before its time, or, with
// ReasonRoleChanged, that it goes on and its access tokens of pairs before
// Since do not.
type Revocation struct {
	UserID    string
	SessionID string
	Reason    Reason
	At        time.Time
	Since     TokenPair
}

// TokenPair says which pair of tokens of a session is meant. Within a generation a
// later date replaces an earlier one.
type TokenPair struct {
	Generation uint32
	IssuedAt   time.Time // whole seconds
}

// Before reports whether q has replaced p.
func (p TokenPair) Before(q TokenPair) bool {
	return p.Generation < q.Generation || p.Generation == q.Generation && p.IssuedAt.Before(q.IssuedAt)
}

// Is reports whether p and q are the same pair. Not ==: the date is in the
// machine's zone when it was just taken, and in UTC when it comes from a store.
func (p TokenPair) Is(q TokenPair) bool {
	return p.Generation == q.Generation && p.IssuedAt.Equal(q.IssuedAt)
}

// Reason is why a session ended, as told to the browser and the audit trail.
type Reason string

// The reasons there are.
const (
	ReasonSignOut      Reason = "sign_out"      // by its own browser
	ReasonEnded        Reason = "ended_by_user" // from another of the user's devices
	ReasonRefreshReuse Reason = "refresh_reuse" // used from two places
	ReasonExpired      Reason = "expired"       // its absolute end; told to live streams, never announced
	ReasonRoleChanged  Reason = "role_changed"  // the session goes on
	ReasonPassword     Reason = "password_changed"
	ReasonDisabled     Reason = "account_disabled"
	ReasonDeleted      Reason = "account_deleted"
	ReasonAdmin        Reason = "ended_by_admin"
	ReasonSessionLimit Reason = "session_limit" // a later sign-in of the account took its place
)

// Revocations is how one instance hears of sessions ended by another.
type Revocations interface {
	// Publish tells every follower, and leaves the sessions as they are.
	Publish(ctx context.Context, news ...Revocation) error
	// Subscribe tells f of every revocation: first those of the last keep (which
	// cover every access token that can still be valid), then each new one as
	// it happens, until ctx ends. It reconnects by itself and replays what was
	// missed. It returns ctx's error.
	Subscribe(ctx context.Context, keep time.Duration, f Subscriber) error
}

// Subscriber is what follows revocations. No field may be nil.
type Subscriber struct {
	// Revoked may be called more than once for one revocation.
	Revoked func(Revocation)
	// Lost says that revocations from before a moment, in whole seconds, may be
	// missing for good: the store was emptied, or has lost its last writes in a
	// failover, or was trimmed by hand. Access tokens issued before it cannot be
	// told from those of ended sessions.
	Lost func(before time.Time)
	// CaughtUp is called once, when the other two have been told all that there
	// was, and not before the store could be asked.
	CaughtUp func()
}
