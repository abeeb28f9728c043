package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/mail"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// Reload has the hooks by which a server reads its files again.
type Reload struct {
	// Await blocks until a reload is requested; its error ends the server.
	Await func(context.Context) error
	// Read reads the configuration as at the start. The Config beside an error is
	// only for further checks.
	Read func() (*config.Config, error)
	// Value reads one setting: the URL of a store that refuses its login.
	Value func(name string) (config.Secret, error)
}

// rereads returns a function that reads a store's setting again; nil: the setting
// stays.
func (a *App) rereads(name string) func() (string, error) {
	if a.again == nil {
		return nil
	}
	return func() (string, error) {
		value, err := a.again.Value(name)
		return value.Reveal(), err
	}
}

// reloads reads the files again at each request, until ctx is done or Reload.Await
// fails.
func (a *App) reloads(ctx context.Context) error {
	for {
		if err := a.again.Await(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the server ends
			}
			return fmt.Errorf("wait for a reload: %w", err)
		}
		a.reload()
	}
}

// reload puts all settings of the files in force at once, for new requests and
// connections; requests under way and open streams finish under the old ones. A
// mistake in any of the files changes nothing: half of a table would lock people out,
// or let them in, and half of the secrets would sign them out. The log has names of
// settings and no values.
func (a *App) reload() {
	next, err := a.readAgain()
	a.metrics.Reloaded(err == nil)
	if err != nil {
		a.log.Error("not reloaded: there are mistakes, and everything stays as it was", "mistakes", mistakes(err))
		return
	}
	for _, put := range next.put {
		put()
	}
	if next.table != nil {
		a.useRoutes(next.config.RoutesFile, next.table)
	}
	a.log.Info("reloaded", "changed", next.changed)
	if len(next.replaced) > 0 {
		a.log.Warn("secrets have none of their former values: what was signed with those is refused from now on", "settings", next.replaced)
	}
	if len(next.restart) > 0 {
		a.log.Warn("settings have changed that need a restart: they stay as they were", "settings", next.restart)
	}
	a.latest = next.config
}

// reading holds the checked settings of the files, and the functions that put them
// in force, which cannot fail.
type reading struct {
	config *config.Config
	table  *route.Table // nil without a routes file
	put    []func()
	// Names of settings: those that differ from the last reading and are put in
	// force, those of them that share no value with before, and those that differ
	// from the start and need a restart.
	changed, replaced, restart []string
}

// live lists the settings that a reload puts in force. Of MYSQL_DSN and REDIS_URL it
// takes the user and password.
var live = []string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "IDENTITY_KEY", "SMTP_URL", "MAIL_FROM", "ROUTES_FILE"}

func (a *App) readAgain() (*reading, error) {
	c, err := a.again.Read()
	next := &reading{config: c}
	all := []error{err, checkSettings(c)}
	if c.RoutesFile != "" {
		next.table, err = readRoutes(c.RoutesFile)
		for _, m := range mistakes(err) {
			all = append(all, fmt.Errorf("ROUTES_FILE %s: %s", c.RoutesFile, m))
		}
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	for _, name := range config.Changed(a.config, c) {
		if !slices.Contains(live, name) {
			next.restart = append(next.restart, name)
		}
	}
	next.changed = config.Changed(a.latest, c)
	for _, prepare := range []func(*reading) error{a.readSecrets, a.readLogins, a.readMail} {
		if err := prepare(next); err != nil {
			return nil, err
		}
	}
	next.changed = slices.DeleteFunc(next.changed, func(name string) bool { return slices.Contains(next.restart, name) })
	return next, nil
}

// readSecrets keeps the keys when they have not changed: new keys would drop the
// cache of verified tokens.
func (a *App) readSecrets(r *reading) error {
	c := r.config
	if !slices.ContainsFunc([]string{"JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "IDENTITY_KEY"}, func(name string) bool {
		return slices.Contains(r.changed, name)
	}) {
		return nil
	}
	secrets := Secrets{Access: c.AccessSecrets, Refresh: c.RefreshSecrets, Identity: c.IdentityKey}.or(a.secrets)
	tc, err := secrets.tokens(a.config) // PUBLIC_URL stays as it was
	if err != nil {
		return err
	}
	keys, err := token.NewKeys(tc)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		name          string
		before, after []config.Secret
	}{{"JWT_ACCESS_SECRET", a.secrets.Access, secrets.Access}, {"JWT_REFRESH_SECRET", a.secrets.Refresh, secrets.Refresh}} {
		if !slices.ContainsFunc(s.before, func(old config.Secret) bool { return slices.Contains(s.after, old) }) {
			r.replaced = append(r.replaced, s.name)
		}
	}
	r.put = append(r.put, func() { a.tokens.Use(keys); a.secrets = secrets })
	return nil
}

// readLogins takes a new user and password for the same server. Another server needs
// a restart: its password would be refused by this one.
func (a *App) readLogins(r *reading) error {
	c := r.config
	if c.Embedded {
		return nil
	}
	need := func(name string, put func(), err error, elsewhere error) error {
		if errors.Is(err, elsewhere) {
			return nil // reported in r.restart
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.restart = slices.DeleteFunc(r.restart, func(other string) bool { return other == name })
		r.put = append(r.put, put)
		return nil
	}
	put, err := a.db.NewLogin(c.MySQLDSN.Reveal())
	if err := need("MYSQL_DSN", put, err, sqlconn.ErrOtherDatabase); err != nil {
		return err
	}
	if store, ok := a.sessions.(*redisstore.Store); ok {
		put, err := store.NewLogin(c.RedisURL.Reveal())
		return need("REDIS_URL", put, err, redisconn.ErrOtherServer)
	}
	return nil
}

func (a *App) readMail(r *reading) error {
	if a.sender == nil {
		return nil
	}
	c := r.config
	sender, err := mail.New(mail.Config{SMTPURL: c.SMTPURL.Reveal(), From: c.MailFrom, PublicURL: a.config.PublicURL})
	if err != nil {
		return err
	}
	r.put = append(r.put, func() { a.sender.now.Store(sender) })
	return nil
}

// useRoutes puts a table in force for new requests.
func (a *App) useRoutes(file string, next *route.Table) {
	old := a.table.Load()
	changes := next.ChangesSince(old)
	a.table.Store(next)
	a.upstreams.Retire(old, next)
	a.log.Info("routes reloaded", "file", file, "rows", len(next.Routes()),
		"added", texts(changes.Added), "removed", texts(changes.Removed), "changed", texts(changes.Changed))
	a.warnOfRoutes(next)
}

func (a *App) warnOfRoutes(t *route.Table) {
	for _, w := range t.Warnings() {
		a.log.Warn("routes: " + w)
	}
}

// mistakes splits joined errors, so that the log has one entry for each.
func mistakes(err error) (all []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, mistakes(e)...)
		}
	} else if err != nil {
		all = append(all, err.Error())
	}
	return all
}

func texts(changes []route.Change) []string {
	all := make([]string, 0, len(changes)) // never nil: JSON would say null
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}
