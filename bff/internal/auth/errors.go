package auth

import (
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	storeRetryAfter    = 2 * time.Second
	conflictRetryAfter = time.Second
)

// storeError converts failures of a session store or the user database into
// refusals; other errors are returned unchanged.
func storeError(err error) error {
	switch {
	case errors.Is(err, session.ErrSessionStore):
		return session.StoreError(err)
	case errors.Is(err, ErrLastAdmin):
		return &refusal.Error{Code: refusal.LastAdmin, Cause: err,
			Detail: "This is the last active administrator. Make somebody else one first."}
	case errors.Is(err, ErrNoUser):
		return &refusal.Error{Code: refusal.NotFound, Cause: err, Detail: "There is no such account."}
	// Neither is an outage: the database works.
	case errors.Is(err, ErrWriteConflict):
		return &refusal.Error{Code: refusal.WriteConflict, RetryAfter: conflictRetryAfter, Cause: err,
			Detail: "Others changed the same data at this moment, and nothing of yours was stored. Try again."}
	case errors.Is(err, ErrSearchTooWide):
		return &refusal.Error{Code: refusal.SearchTooWide, Cause: err,
			Detail: "The search took too long. Search for an email address, or for its beginning."}
	case errors.Is(err, ErrDatabase):
		return &refusal.Error{Code: refusal.DatabaseUnavailable, RetryAfter: storeRetryAfter, Cause: err,
			Detail: "Accounts cannot be looked up at the moment. Try again shortly."}
	}
	return err
}
