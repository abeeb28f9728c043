package session

import (
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

const storeRetryAfter = 2 * time.Second

// RevokedError is the refusal for a session that has ended.
func RevokedError(cause error) error {
	return &refusal.Error{Code: refusal.SessionRevoked, Detail: detailRevoked, Cause: cause}
}

// StoreError converts the failure of a session store into a refusal; other errors
// are returned unchanged.
func StoreError(err error) error {
	if errors.Is(err, ErrSessionStore) {
		return &refusal.Error{Code: refusal.SessionStoreUnavailable, RetryAfter: storeRetryAfter, Cause: err,
			Detail: "Sessions cannot be looked up at the moment. You are still signed in; try again shortly."}
	}
	return err
}
