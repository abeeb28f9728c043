package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Observer is told what the service does, for metrics: words of a fixed list
// and numbers, never whose. Fields may be nil.
type Observer struct {
	// Refreshed: what a presented refresh token led to. Tabs that share one
	// answer count once.
	Refreshed func(outcome string)
	// SignedIn: succeeded, or the code of the refusal.
	SignedIn func(outcome string)
	// Limited: whether a limit let somebody through.
	Limited func(limit string, allowed bool)
	// Revoked: how long after a session's end this instance knows of it.
	Revoked func(lag time.Duration)
	// Settling: how many changes of accounts were left to be settled.
	PendingSyncs func(pending int)
	// Noticed: sent, retried, failed, dropped or suppressed.
	Noticed func(outcome string)
}

// ofSessions is the part that the session manager calls.
func (o Observer) ofSessions() session.Observer {
	return session.Observer{Refreshed: o.Refreshed, Limited: o.Limited, Revoked: o.Revoked}
}

// complete fills in what is nil of the rest.
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

// limitOf is the word that the key of a limit begins with.
func limitOf(key string) string {
	word, _, _ := strings.Cut(key, ":")
	return word
}
