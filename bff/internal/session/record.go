package session

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Record is the stored record of one sign-in. It carries everything that a token
// needs, so that a refresh never reads the user database and nothing can fail
// after a rotation is stored.
type Record struct {
	ID     string
	UserID string

	// Account is the user as of sign-in or of the last change to it. Every change
	// of an account updates or ends its sessions too.
	Account Account

	Remember    bool
	CreatedAt   time.Time // sign-in
	AbsoluteEnd time.Time // no rotation moves it

	// Generation counts rotations; the first token pair is generation 1.
	Generation uint32
	// IssuedAt is when the current token pair was minted, in whole seconds, so
	// that minting it again gives the same bytes. Within a generation it only
	// grows.
	IssuedAt time.Time
	// IdleEnd is when the session ends unless it is refreshed; never after
	// AbsoluteEnd.
	IdleEnd time.Time
	// ReceivedAt is the first use of an access token of this generation, its ack:
	// the proof that the browser has the current cookies. Zero: not seen yet.
	ReceivedAt time.Time
	// ReissueUntil is the end of the reissue window: until then the current token
	// pair, handed out again with a dead access token, gets a new date instead of
	// a new generation.
	ReissueUntil time.Time
	// Reissues counts the new dates of this generation, see maxReissues.
	Reissues uint8

	LastSeenAt time.Time
	IP         string // of the sign-in
	UserAgent  string // of the sign-in, cut to 256 bytes

	// Version is for compare-and-swap: it changes with every write.
	Version uint64
}

// Role is what an account may do. Roles are exact: admin does not include user.
type Role string

// The roles.
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

// pair is the current token pair.
func (s Record) pair() TokenPair { return TokenPair{s.Generation, s.IssuedAt} }

// Same reports whether a and b are equal: stores keep times to the millisecond.
func (a Account) Same(b Account) bool {
	sameTime := a.CreatedAt.Truncate(time.Millisecond).Equal(b.CreatedAt.Truncate(time.Millisecond))
	a.CreatedAt = b.CreatedAt
	return sameTime && a == b
}

// ended reports whether the session is past its idle or absolute end.
func (s Record) ended(now time.Time) bool {
	return !now.Before(s.IdleEnd) || !now.Before(s.AbsoluteEnd)
}

// MaxSessions is the most live sessions of an account: more devices than a person
// owns, and few enough that a change of the account reaches all of them at once.
// Without a bound an account with 160,000 sessions could not be disabled any
// more.
const MaxSessions = 100

// Store keeps session records. What a rotation means is up to decide, stores only
// compare and swap. Errors other than the ones named mean that the store is
// unavailable; implementations wrap them in ErrSessionStore, because "no session"
// signs a user out and "unavailable" must not.
type Store interface {
	// Create stores a new session that expires at its IdleEnd. In the same step
	// it removes the account's sessions above MaxSessions, those seen longest
	// ago, and returns their ids: the caller ends them with End, which publishes
	// the revocations. A store that cannot publish in that step returns ids that
	// have waited for some seconds again, with a later Create of the account,
	// until End has been called.
	Create(ctx context.Context, s Record) (displaced []string, err error)
	// Get returns ErrNoSession when there is no record (any more).
	Get(ctx context.Context, userID, id string) (Record, error)
	// Swap replaces the record whose Version is old.Version by next, stored
	// with Version old.Version+1, and moves its expiry to next.IdleEnd.
	// ErrConflict when the stored version is another one, ErrNoSession when
	// there is none: Swap never brings an ended session back.
	Swap(ctx context.Context, old, next Record) error
	// Page returns a part of the user's live sessions, in no order, and the
	// cursor of the next one: "" is the start, and "" the end. Each session that
	// exists during the whole walk is in one of the pages, or in several.
	Page(ctx context.Context, userID, cursor string) (page []Record, next string, err error)
	// End removes the sessions and publishes a revocation of each. Ending an
	// ended session is not an error. No revocation is lost while the removal is
	// kept.
	End(ctx context.Context, ends ...Revocation) error
}

// Errors of a Store.
var (
	ErrNoSession = errors.New("no such session")
	ErrConflict  = errors.New("the session was changed meanwhile")
	// ErrSessionStore wraps the failures of the session store.
	ErrSessionStore = errors.New("the session store is unavailable")
)

// Revocation is the end of a session before its time or, with ReasonRoleChanged,
// of its access tokens of token pairs before Since: then the session goes on.
type Revocation struct {
	UserID    string
	SessionID string
	Reason    Reason
	At        time.Time
	Since     TokenPair
}

// TokenPair identifies a pair of tokens of a session. Within a generation a later
// date replaces an earlier one.
type TokenPair struct {
	Generation uint32
	IssuedAt   time.Time // whole seconds
}

// Before reports whether q has replaced p.
func (p TokenPair) Before(q TokenPair) bool {
	return p.Generation < q.Generation || p.Generation == q.Generation && p.IssuedAt.Before(q.IssuedAt)
}

// Is reports whether p and q are the same token pair. Not ==: the date is in the
// machine's zone when it was just taken, and in UTC when it comes from a store.
func (p TokenPair) Is(q TokenPair) bool {
	return p.Generation == q.Generation && p.IssuedAt.Equal(q.IssuedAt)
}

// Reason is why a session ended, for the browser and the audit trail.
type Reason string

// The reasons.
const (
	ReasonSignOut      Reason = "sign_out"      // by its own browser
	ReasonEnded        Reason = "ended_by_user" // from another of the user's devices
	ReasonRefreshReuse Reason = "refresh_reuse" // used from two places
	ReasonExpired      Reason = "expired"       // its absolute end; sent to live streams, never published
	ReasonRoleChanged  Reason = "role_changed"  // the session goes on
	ReasonPassword     Reason = "password_changed"
	ReasonDisabled     Reason = "account_disabled"
	ReasonDeleted      Reason = "account_deleted"
	ReasonAdmin        Reason = "ended_by_admin"
	ReasonSessionLimit Reason = "session_limit" // a later sign-in of the account took its place
)

// Revocations carries revocations between instances.
type Revocations interface {
	// Publish sends revocations to every subscriber. It does not change the
	// sessions.
	Publish(ctx context.Context, news ...Revocation) error
	// Subscribe calls f with every revocation: first those of the last keep
	// (which cover every access token that can still be valid), then each new one
	// as it happens, until ctx ends. It reconnects by itself and replays missed
	// revocations. It returns ctx's error.
	Subscribe(ctx context.Context, keep time.Duration, f Subscriber) error
}

// Subscriber receives revocations. No field may be nil.
type Subscriber struct {
	// Revoked may be called more than once for one revocation.
	Revoked func(Revocation)
	// Lost reports that revocations from before a moment, in whole seconds, may
	// be missing for good: the store was emptied, or has lost its last writes in
	// a failover, or was trimmed by hand. Access tokens issued before it may
	// belong to ended sessions.
	Lost func(before time.Time)
	// CaughtUp is called once, after all earlier revocations have been delivered,
	// and not before the store was reachable.
	CaughtUp func()
}
