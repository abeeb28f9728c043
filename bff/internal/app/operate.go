package app

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
)

// patience is how long a command waits for DATA_DIR while a server starts or
// ends, or another command runs.
const patience = 15 * time.Second

const patienceStep = 50 * time.Millisecond

// Operate runs a command beside running servers, and returns the text to print. On
// MySQL and Redis it opens both stores itself: servers follow the revocations. In
// embedded mode a running server holds the sessions, so the command is sent to it.
func Operate(ctx context.Context, o Options, c operator.Command) (string, error) {
	// JSON would replace bytes that are not UTF-8.
	if !utf8.ValidString(c.Password.Reveal()) || !utf8.ValidString(c.Name+c.Email+c.Search) {
		return "", errors.New("what was given is not valid text (UTF-8)")
	}
	if !o.Config.Embedded {
		return operateHere(ctx, o, c)
	}
	if err := datadir.HasAccounts(o.Config.DataDir); err != nil && c.Verb != operator.CreateUser {
		return "", err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		// The lock of the sessions shows whether a server runs; a file could be left
		// from one that was killed.
		out, err := operateHere(ctx, o, c)
		if !errors.Is(err, filestore.ErrInUse) {
			return out, err
		}
		out, absent := operator.Send(ctx, o.Config.DataDir, c)
		if !errors.Is(absent, operator.ErrNoServer) {
			return out, absent
		}
		select {
		case <-time.After(patienceStep):
		case <-waiting.Done():
			return "", fmt.Errorf("%w\n%w (is it starting, ending, or another version?)", err, absent)
		}
	}
}

func operateHere(ctx context.Context, o Options, c operator.Command) (out string, err error) {
	a := newApp(o)
	defer func() { err = errors.Join(err, a.close()) }()
	// Only serve and migrate change tables; a new embedded database is made here.
	schema := (*sqlstore.DB).CheckSchema
	if o.Config.Embedded && datadir.HasAccounts(o.Config.DataDir) != nil {
		schema = (*sqlstore.DB).Migrate
	}
	if err := a.openStores(ctx); err != nil {
		return "", err
	}
	if err := schema(a.db, ctx); err != nil {
		return "", fmt.Errorf("tables: %w", err)
	}
	if err := a.openService(o.HashCost); err != nil {
		return "", err
	}
	out, err = operator.CarryOut(ctx, a.service, c)
	// In a cancelled context the service follows no stream, and tries the queued
	// writes (audit events, sessions to end) a last time.
	over, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = a.service.Run(over) // its error is that the context is cancelled
	return out, err
}
