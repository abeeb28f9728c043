package session

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-bff/gatehouse/bff/internal/outagelog"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Policy holds the lifetimes that an operator chooses.
type Policy struct {
	AccessTTL     time.Duration // longest life of an access token
	RefreshTTL    time.Duration // idle life of a session without "remember me"
	RememberTTL   time.Duration // idle life of a session with it
	SessionMaxAge time.Duration // absolute life of any session
}

// idleTTL is how long a session lives without a refresh.
func (p Policy) idleTTL(remember bool) time.Duration {
	if remember {
		return p.RememberTTL
	}
	return p.RefreshTTL
}

// Accounts is the port to the accounts that sessions belong to.
type Accounts interface {
	// SessionAccount returns the part of the account that a session carries, as
	// it is now; ok is false when the account is deleted or disabled. Errors are
	// for the client.
	SessionAccount(ctx context.Context, userID string) (a Account, ok bool, err error)
}

// Deps holds the dependencies of a Manager.
type Deps struct {
	Store       Store
	Revocations Revocations
	Accounts    Accounts
	Recorder    Recorder
	Limiter     Limiter
	Limits      Limits
	Tokens      *token.Issuer
	Policy      Policy
	Now         func() time.Time
	Log         *slog.Logger
	// OnRevocation, when set, is called once for every revocation, whichever
	// instance it comes from: it closes the session's live connections (sockets
	// and event streams).
	OnRevocation func(Revocation)
	Observe      Observer
}

// Manager opens, refreshes and ends sessions. It is safe for concurrent use. Run
// must be running for revocations from other instances to arrive and for acks to
// be stored.
type Manager struct {
	store       Store
	revocations Revocations
	accounts    Accounts
	recorder    Recorder
	limiter     Limiter
	limits      Limits
	tokens      *token.Issuer
	policy      Policy
	now         func() time.Time
	observe     Observer

	flights         singleflight.Group // refreshes of one token made at once collapse to one
	acks            *ackTracker
	revoked         *revocationList
	pendingSignOuts *pendingSignOuts
	watchers        watchers
	// leftoverOutages logs failures of endLeftover.
	leftoverOutages *outagelog.Log
}

// New builds a Manager. It starts nothing: see Run.
func New(d Deps) *Manager {
	m := &Manager{
		store: d.Store, revocations: d.Revocations, accounts: d.Accounts, recorder: d.Recorder,
		limiter: d.Limiter, limits: d.Limits, tokens: d.Tokens, policy: d.Policy, now: d.Now, observe: d.Observe.complete(),
		acks:            newAckTracker(d.Store, d.Log, d.Now),
		pendingSignOuts: newPendingSignOuts(d.Store, d.Log, d.Recorder.SessionsEnded),
		leftoverOutages: outagelog.New(d.Log, d.Now,
			"sign-outs of sessions without a record are not announced: other instances take their access tokens until these end", "sign-outs of sessions without a record are announced again"),
	}
	m.revoked = newRevocationList(d.Revocations, d.Policy.AccessTTL, d.Now, func(r Revocation) {
		m.watchers.notify(r)
		if d.OnRevocation != nil {
			d.OnRevocation(r)
		}
	})
	m.revoked.lag = m.observe.Revoked
	m.revoked.onLost = func(before time.Time) {
		level, message := slog.LevelInfo, "the session store is new or was emptied: access tokens from before this start are refreshed"
		if m.revoked.isCaughtUp() {
			level, message = slog.LevelWarn, "ends of sessions may have been lost with the session store: access tokens from before are refreshed"
		}
		d.Log.Log(context.Background(), level, message, "before", before)
	}
	return m
}
