package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Observer receives counts and durations for metrics, with labels of fixed lists
// and without identities. Fields may be nil.
type Observer struct {
	// Refreshed: the outcome of a presented refresh token. Tabs that share one
	// answer count once.
	Refreshed func(outcome string)
	// SignedIn: succeeded, or the code of the refusal.
	SignedIn func(outcome string)
	// Limited: whether a limit allowed a call.
	Limited func(limit string, allowed bool)
	// Revoked: how long after the end of a session this instance knows of it.
	Revoked func(lag time.Duration)
	// PendingSyncs: how many PendingSyncs were in the outbox.
	PendingSyncs func(pending int)
	// Noticed: sent, retried, failed, dropped or suppressed.
	Noticed func(outcome string)
}

// ofSessions returns the part that the session manager calls.
func (o Observer) ofSessions() session.Observer {
	return session.Observer{Refreshed: o.Refreshed, Limited: o.Limited, Revoked: o.Revoked}
}

// complete replaces the other nil fields by functions that do nothing.
func (o Observer) complete() Observer {
	if o.SignedIn == nil {
		o.SignedIn = func(string) {}
	}
	if o.Limited == nil {
		o.Limited = func(string, bool) {}
	}
	if o.PendingSyncs == nil {
		o.PendingSyncs = func(int) {}
	}
	if o.Noticed == nil {
		o.Noticed = func(string) {}
	}
	return o
}

func outcomeOf(ctx context.Context, err error) string {
	var refusal *refusal.Error
	switch {
	case err == nil:
		return "succeeded"
	case errors.As(err, &refusal):
		return string(refusal.Code)
	case ctx.Err() != nil:
		return "client_gone"
	}
	return "failed"
}

// limitOf returns the word that the key of a limit begins with.
func limitOf(key string) string {
	word, _, _ := strings.Cut(key, ":")
	return word
}
