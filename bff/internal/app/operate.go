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
// ends, or another command is carried out.
const patience = 15 * time.Second

const patienceStep = 50 * time.Millisecond

// Operate carries out a command beside running servers, and gives what to
// print. On MySQL and Redis it opens both by itself: servers follow the
// revocations. In embedded mode a running server holds the sessions, and it is
// asked to carry out the command.
func Operate(ctx context.Context, o Options, c operator.Command) (string, error) {
	// JSON would put other characters in the place of what is no text.
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
		// The sessions' lock says whether there is a server; a file could have
		// been left by one that was killed.
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
	// Only serve and migrate change tables, but for an embedded database that is
	// made here.
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
	// In a context that has ended the service follows nothing, and gives what
	// it has queued (audit events, sessions to end) the last try.
	over, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = a.service.Run(over) // says no more than that it has ended
	return out, err
}
