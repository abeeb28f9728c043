// Package auth answers two questions: who is this, and what may they do.
//
// It knows no HTTP, no SQL and no Redis. What it needs from the outside it
// declares as ports (Users, Sessions, Revocations, Audit, Mailer) and other packages
// implement; package authtest holds the contract that every implementation
// must pass.
package auth

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Policy holds the lifetimes and switches an operator chooses.
type Policy struct {
	AccessTTL     time.Duration // longest life of an access token
	RefreshTTL    time.Duration // idle life of a session without "remember me"
	RememberTTL   time.Duration // idle life of a session with it
	SessionMaxAge time.Duration // absolute life of any session
	SignupOpen    bool
}

// idleTTL is how long a session lives on without being renewed.
func (p Policy) idleTTL(remember bool) time.Duration {
	if remember {
		return p.RememberTTL
	}
	return p.RefreshTTL
}

// Deps is everything a Service stands on.
type Deps struct {
	Users       Users
	Sessions    Sessions
	Revocations Revocations
	Audit       Audit
	Limiter     Limiter
	Limits      Limits
	Tokens      *token.Issuer
	Passwords   *password.Hasher
	Policy      Policy
	Now         func() time.Time
	Log         *slog.Logger
	// OnRevocation, when set, is told once of every revocation, wherever that
	// was decided: it closes the session's live connections.
	OnRevocation func(Revocation)
	// Mailer tells people what has happened to their accounts; nil: nobody is told.
	Mailer  Mailer
	Observe Observer
	// AuditKeeper and Retention shorten the audit trail; without either it is kept
	// for ever.
	AuditKeeper AuditKeeper
	Retention   Retention
}

// Service is the product's one authority on identity. It is safe for
// concurrent use. Run must be running for revocations from other instances to
// arrive, for receipts and audit events to be stored and for notices to be sent.
type Service struct {
	users     Users
	sessions  Sessions
	announcer Revocations
	audit     Audit
	limiter   Limiter
	limits    Limits
	tokens    *token.Issuer
	passwords *password.Hasher
	policy    Policy
	now       func() time.Time
	log       *slog.Logger

	flights    singleflight.Group // refreshes of one token made at once collapse to one
	receipts   *receipts
	revoked    *revocationList
	trail      *trail
	notices    *notices
	unfinished *unfinished
	// settleOutages is the log of settleRest.
	settleOutages *outageLog
	// Of work that many requests do, or that is done again and again.
	doneOutages, rehashOutages, leftoverOutages *outageLog

	watchers  watchers
	searches  searches
	keeper    AuditKeeper
	retention Retention
	observe   Observer
}

// New puts a Service together. It starts nothing: see Run.
func New(d Deps) *Service {
	s := &Service{
		users:     d.Users,
		sessions:  d.Sessions,
		announcer: d.Revocations,
		audit:     d.Audit,
		limiter:   d.Limiter,
		limits:    d.Limits,
		tokens:    d.Tokens,
		passwords: d.Passwords,
		policy:    d.Policy,
		now:       d.Now,
		log:       d.Log,
		observe:   d.Observe.complete(),
		keeper:    d.AuditKeeper,
		retention: d.Retention,
		receipts:  newReceipts(d.Sessions, d.Log, d.Now),
		trail:     newTrail(d.Audit, d.Log, d.Now),
		settleOutages: newOutageLog(d.Log, d.Now,
			"changes of accounts have yet to reach their sessions", "changes of accounts reach their sessions again"),
		doneOutages: newOutageLog(d.Log, d.Now,
			"changes of accounts that have reached their sessions cannot be noted down so: they are carried over once more", "changes of accounts are noted down as carried over again"),
		rehashOutages: newOutageLog(d.Log, d.Now,
			"passwords are not re-hashed; the next sign-in of each account tries again", "passwords are re-hashed again"),
		leftoverOutages: newOutageLog(d.Log, d.Now,
			"sign-outs of sessions without a record are not announced: other instances take their access tokens until these end", "sign-outs of sessions without a record are announced again"),
	}
	s.notices = newNotices(d.Mailer, d.Log, d.Now, s.observe.Noticed)
	s.notices.due = s.due
	s.unfinished = newUnfinished(d.Sessions, d.Log, s.recordEnd)
	s.revoked = newRevocationList(d.Revocations, d.Policy.AccessTTL, d.Now, func(r Revocation) {
		s.watchers.tell(r)
		if d.OnRevocation != nil {
			d.OnRevocation(r)
		}
	})
	s.revoked.lag = s.observe.Revoked
	s.revoked.onLost = func(before time.Time) {
		level, message := slog.LevelInfo, "the session store is new or was emptied: access tokens from before this start are refreshed"
		if s.revoked.isCaughtUp() {
			level, message = slog.LevelWarn, "ends of sessions may have been lost with the session store: access tokens from before are refreshed"
		}
		s.log.Log(context.Background(), level, message, "before", before)
	}
	return s
}

// Client describes the browser behind a request, for audit and device lists.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// newID returns 128 or more random bits in base32: safe in a URL, in a Redis
// key and in a column that compares bytes.
func newID() string { return rand.Text() }
