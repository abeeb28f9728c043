package app

import (
	"cmp"
	"runtime"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// openService makes the service on the open stores. That is all that an operator's
// command needs.
func (a *App) openService(hashCost int) error {
	c := a.config
	secrets, err := secretsFor(c)
	if err != nil {
		return err
	}
	tc, err := secrets.tokens(c)
	if err != nil {
		return err
	}
	a.secrets = secrets
	if a.tokens, err = token.New(tc); err != nil {
		return err
	}
	// One core stays free for proxied requests while passwords are hashed.
	concurrent := max(1, runtime.GOMAXPROCS(0)-1)
	passwords, err := password.NewHasher(cmp.Or(hashCost, c.BcryptCost), concurrent, concurrent*hashQueue)
	if err != nil {
		return err
	}
	a.passwords = passwords
	passwords.Observe(password.Observer{Refused: a.metrics.HashRefused, Begins: a.metrics.HashBegins})
	mailer, mailed, err := a.mailer()
	if err != nil {
		return err
	}
	a.service = auth.New(auth.Deps{
		Users: a.db, Sessions: a.sessions, Revocations: a.sessions, Audit: a.db, Limiter: a.limiter, Limits: a.limits,
		Tokens: a.tokens, Passwords: passwords,
		Policy: session.Policy{
			AccessTTL: c.AccessTTL, RefreshTTL: c.RefreshTTL, RememberTTL: c.RememberTTL,
			SessionMaxAge: c.SessionMaxAge,
		},
		SignupOpen:  c.SignupOpen,
		AuditKeeper: a.db, Retention: auth.Retention{Keep: c.AuditRetention, RedactDeleted: c.AuditRedactDeleted},
		Now: a.now, Log: a.log, Mailer: mailer,
		Observe: auth.Observer{
			Refreshed: a.metrics.Refreshed, SignedIn: a.metrics.SignedIn, Limited: a.metrics.Limited,
			Revoked: a.metrics.Revoked, PendingSyncs: a.metrics.Settling, Noticed: mailed,
		},
		OnRevocation: func(r session.Revocation) {
			if a.proxy != nil { // without a server there are no streams
				a.proxy.CloseSession(r.SessionID, string(r.Reason))
			}
		},
	})
	return nil
}
