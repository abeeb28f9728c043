package session

import (
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

const storeRetryAfter = 2 * time.Second

// RevokedError says that the session has ended.
func RevokedError(cause error) error {
	return &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked, Cause: cause}
}

// StoreError turns what a session store failed with into an answer; other errors
// pass.
func StoreError(err error) error {
	if errors.Is(err, ErrSessionStore) {
		return &refusal.Error{Code: refusal.SessionStoreUnavailable, RetryAfter: storeRetryAfter, Cause: err,
			Detail: "Sessions cannot be looked up at the moment. You are still signed in; try again shortly."}
	}
	return err
}
