// Package auth holds accounts: registration, sign-in, changes of accounts and
// their administration, the audit trail, security notices and limits. Package
// session holds the sessions that a sign-in opens.
//
// It knows no HTTP, no SQL and no Redis. It declares ports for what it needs
// (Users, Audit, AuditKeeper, Limiter, Mailer); package authtest holds the
// contract that every implementation must pass.
package auth

import (
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/outagelog"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Deps holds the dependencies of a Service.
type Deps struct {
	Users       Users
	Sessions    session.Store
	Revocations session.Revocations
	Audit       Audit
	Limiter     Limiter
	Limits      Limits
	Tokens      *token.Issuer
	Passwords   *password.Hasher
	Policy      session.Policy
	SignupOpen  bool
	Now         func() time.Time
	Log         *slog.Logger
	// OnRevocation is session.Deps.OnRevocation: it closes the live connections
	// of a revoked session.
	OnRevocation func(session.Revocation)
	// Mailer sends security notices; nil: none are sent.
	Mailer  Mailer
	Observe Observer
	// AuditKeeper and Retention shorten the audit trail; without either it is
	// kept for ever.
	AuditKeeper AuditKeeper
	Retention   Retention
}

// Service manages accounts and signs people in. It is safe for concurrent use.
// Run must be running for revocations from other instances to arrive, for acks
// and audit events to be stored and for notices to be sent.
type Service struct {
	users      Users
	sessions   *session.Manager
	audit      Audit
	limiter    Limiter
	limits     Limits
	tokens     *token.Issuer
	passwords  *password.Hasher
	signupOpen bool
	now        func() time.Time
	log        *slog.Logger

	auditWriter *auditWriter
	notices     *notices
	// outboxOutages logs failures of flushOutbox.
	outboxOutages *outagelog.Log
	// doneOutages and rehashOutages log failures of work that many requests do.
	doneOutages, rehashOutages *outagelog.Log

	searches  searches
	keeper    AuditKeeper
	retention Retention
	observe   Observer
}

// New builds a Service. It starts nothing: see Run.
func New(d Deps) *Service {
	s := &Service{
		users:       d.Users,
		audit:       d.Audit,
		limiter:     d.Limiter,
		limits:      d.Limits,
		tokens:      d.Tokens,
		passwords:   d.Passwords,
		signupOpen:  d.SignupOpen,
		now:         d.Now,
		log:         d.Log,
		observe:     d.Observe.complete(),
		keeper:      d.AuditKeeper,
		retention:   d.Retention,
		auditWriter: newAuditWriter(d.Audit, d.Log, d.Now),
		outboxOutages: outagelog.New(d.Log, d.Now,
			"changes of accounts have yet to reach their sessions", "changes of accounts reach their sessions again"),
		doneOutages: outagelog.New(d.Log, d.Now,
			"changes of accounts that have reached their sessions cannot be noted down so: they are carried over once more", "changes of accounts are noted down as carried over again"),
		rehashOutages: outagelog.New(d.Log, d.Now,
			"passwords are not re-hashed; the next sign-in of each account tries again", "passwords are re-hashed again"),
	}
	s.notices = newNotices(d.Mailer, d.Log, d.Now, s.observe.Noticed)
	s.notices.due = s.due
	s.sessions = session.New(session.Deps{
		Store: d.Sessions, Revocations: d.Revocations, Accounts: s, Recorder: s,
		Limiter: d.Limiter, Limits: session.Limits{Refresh: d.Limits.Refresh, Inline: d.Limits.Inline},
		Tokens: d.Tokens, Policy: d.Policy, Now: d.Now, Log: d.Log,
		OnRevocation: d.OnRevocation, Observe: d.Observe.ofSessions(),
	})
	return s
}

// Sessions returns the manager of the sessions that sign-ins open.
func (s *Service) Sessions() *session.Manager { return s.sessions }

// newID returns 128 or more random bits in base32: safe in a URL, in a Redis key
// and in a column that compares bytes.
func newID() string { return rand.Text() }
