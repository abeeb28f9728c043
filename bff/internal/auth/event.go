package auth

import (
	"context"
	"time"
)

// EventType names what happened, in the words of the audit trail.
type EventType string

// The audit events there are so far.
const (
	EventRegistered     EventType = "registered"
	EventLoginSucceeded EventType = "login_succeeded"
	EventLoginFailed    EventType = "login_failed"
	EventLogout         EventType = "logout"
	EventSessionRevoked EventType = "session_revoked"
	EventRefreshReuse   EventType = "refresh_reuse"
)

// Event is one line of the audit trail. It never holds a secret: no password,
// no token, no cookie.
type Event struct {
	ID        string // newID
	Type      EventType
	UserID    string // whom it is about; empty when the account is unknown
	ActorID   string // who did it; empty when nobody is known to have
	SessionID string
	Detail    string // a fixed word or two, such as "wrong password"
	IP        string
	UserAgent string
	RequestID string
	At        time.Time
}

// Audit keeps events. They are only ever added.
type Audit interface {
	Append(ctx context.Context, events ...Event) error
}
