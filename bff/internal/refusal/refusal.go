// Package refusal holds the errors that are meant for the client: a code of a
// fixed list, a text that may be shown, and a cause for the log. Packages session
// and auth return them, package web answers with them.
package refusal

import (
	"fmt"
	"time"
)

// Code names an answer to the client, as published in the problem+json
// `code` member.
type Code string

// The codes that there are.
const (
	ValidationFailed        Code = "validation_failed"
	EmailTaken              Code = "email_taken"
	SignupClosed            Code = "signup_closed"
	InvalidCredentials      Code = "invalid_credentials"
	AccountDisabled         Code = "account_disabled"
	WrongPassword           Code = "wrong_password"
	LastAdmin               Code = "last_admin"
	NotAuthenticated        Code = "not_authenticated"
	SessionExpired          Code = "session_expired"
	SessionRevoked          Code = "session_revoked"
	RefreshReuse            Code = "refresh_reuse"
	SessionStoreUnavailable Code = "session_store_unavailable"
	DatabaseUnavailable     Code = "database_unavailable"
	Busy                    Code = "busy"
	TooManyAttempts         Code = "too_many_attempts"
	NotFound                Code = "not_found"
	WriteConflict           Code = "write_conflict"
	SearchTooWide           Code = "search_too_wide"
)

// Codes lists every Code, so that a test can see that each has a status.
var Codes = []Code{
	ValidationFailed, EmailTaken, SignupClosed, InvalidCredentials, AccountDisabled,
	WrongPassword, LastAdmin,
	NotAuthenticated, SessionExpired, SessionRevoked, RefreshReuse,
	SessionStoreUnavailable, DatabaseUnavailable, Busy, TooManyAttempts, NotFound,
	WriteConflict, SearchTooWide,
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
// cookies are of no use any more. It is false whenever a store did not
// answer: an outage must not end sessions.
func (e *Error) EndsSession() bool {
	switch e.Code {
	case NotAuthenticated, SessionExpired, SessionRevoked, RefreshReuse:
		return true
	}
	return false
}

// TooMany turns the answer of a limiter into an error; nil when there is no wait.
func TooMany(wait time.Duration, err error) error {
	if err != nil || wait <= 0 {
		return err
	}
	return &Error{Code: TooManyAttempts, Detail: "Too many attempts. Wait a little and try again.", RetryAfter: wait}
}
