package auth

import (
	"errors"
	"fmt"
	"time"
)

// Code names an answer to the client, as published in the problem+json
// `code` member.
type Code string

// The codes that this room answers with.
const (
	CodeValidationFailed        Code = "validation_failed"
	CodeEmailTaken              Code = "email_taken"
	CodeSignupClosed            Code = "signup_closed"
	CodeInvalidCredentials      Code = "invalid_credentials"
	CodeAccountDisabled         Code = "account_disabled"
	CodeWrongPassword           Code = "wrong_password"
	CodeLastAdmin               Code = "last_admin"
	CodeNotAuthenticated        Code = "not_authenticated"
	CodeSessionExpired          Code = "session_expired"
	CodeSessionRevoked          Code = "session_revoked"
	CodeRefreshReuse            Code = "refresh_reuse"
	CodeSessionStoreUnavailable Code = "session_store_unavailable"
	CodeDatabaseUnavailable     Code = "database_unavailable"
	CodeBusy                    Code = "busy"
	CodeTooManyAttempts         Code = "too_many_attempts"
	CodeNotFound                Code = "not_found"
	CodeWriteConflict           Code = "write_conflict"
	CodeSearchTooWide           Code = "search_too_wide"
)

// Codes lists every Code, so that a test can see that each has a status.
var Codes = []Code{
	CodeValidationFailed, CodeEmailTaken, CodeSignupClosed, CodeInvalidCredentials, CodeAccountDisabled,
	CodeWrongPassword, CodeLastAdmin,
	CodeNotAuthenticated, CodeSessionExpired, CodeSessionRevoked, CodeRefreshReuse,
	CodeSessionStoreUnavailable, CodeDatabaseUnavailable, CodeBusy, CodeTooManyAttempts, CodeNotFound,
	CodeWriteConflict, CodeSearchTooWide,
}

// Error is an answer meant for the client: Code, Detail and Fields may be
// shown, Cause is for the log.
type Error struct {
	Code       Code
	Detail     string
	Fields     map[string]string // validation_failed: field → what to mend
	RetryAfter time.Duration     // when a further try makes sense; 0: not said
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: %v", e.Code, e.Cause)
}

func (e *Error) Unwrap() error { return e.Cause }

// EndsSession reports whether the answer means that the browser's session
// cookies are of no use any more. It is false whenever a store could not be
// asked: a hiccup must not sign anyone out.
func (e *Error) EndsSession() bool {
	switch e.Code {
	case CodeNotAuthenticated, CodeSessionExpired, CodeSessionRevoked, CodeRefreshReuse:
		return true
	}
	return false
}

const (
	storeRetryAfter    = 2 * time.Second
	conflictRetryAfter = time.Second
)

// storeError turns what a session store or the user database failed with into
// an answer; other errors pass.
func storeError(err error) error {
	switch {
	case errors.Is(err, ErrSessionStore):
		return &Error{Code: CodeSessionStoreUnavailable, RetryAfter: storeRetryAfter, Cause: err,
			Detail: "Sessions cannot be looked up at the moment. You are still signed in; try again shortly."}
	case errors.Is(err, ErrLastAdmin):
		return &Error{Code: CodeLastAdmin, Cause: err,
			Detail: "This is the last active administrator. Make somebody else one first."}
	case errors.Is(err, ErrNoUser):
		return &Error{Code: CodeNotFound, Cause: err, Detail: "There is no such account."}
	// Neither is an outage: the database works.
	case errors.Is(err, ErrWriteConflict):
		return &Error{Code: CodeWriteConflict, RetryAfter: conflictRetryAfter, Cause: err,
			Detail: "Others changed the same data at this moment, and nothing of yours was stored. Try again."}
	case errors.Is(err, ErrSearchTooWide):
		return &Error{Code: CodeSearchTooWide, Cause: err,
			Detail: "The search took too long. Search for an email address, or for its beginning."}
	case errors.Is(err, ErrDatabase):
		return &Error{Code: CodeDatabaseUnavailable, RetryAfter: storeRetryAfter, Cause: err,
			Detail: "Accounts cannot be looked up at the moment. Try again shortly."}
	}
	return err
}
