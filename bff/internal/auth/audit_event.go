package auth

import (
	"context"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// EventType is the type of an audit event.
type EventType string

// The audit events.
const (
	EventRegistered      EventType = "registered"
	EventLoginSucceeded  EventType = "login_succeeded"
	EventLoginFailed     EventType = "login_failed"
	EventLogout          EventType = "logout"
	EventSessionRevoked  EventType = "session_revoked"
	EventRefreshReuse    EventType = "refresh_reuse"
	EventPasswordChanged EventType = "password_changed"
	EventProfileChanged  EventType = "profile_changed"
	EventRoleChanged     EventType = "role_changed"
	EventUserDisabled    EventType = "user_disabled"
	EventUserEnabled     EventType = "user_enabled"
	EventAccountDeleted  EventType = "account_deleted"
)

// Event is one row of the audit trail. It never holds a secret: no password, no
// token, no cookie.
type Event struct {
	ID        string // newID
	Type      EventType
	UserID    string // the account it is about; empty when unknown
	ActorID   string // the account that caused it; empty when unknown
	SessionID string
	Detail    string // a fixed word or two, such as "wrong password"
	IP        string
	UserAgent string
	RequestID string
	At        time.Time
}

// Audit stores events. Events are only added; AuditKeeper removes them.
type Audit interface {
	Append(ctx context.Context, events ...Event) error
	// Page returns events, the newest first.
	Page(ctx context.Context, q EventQuery) ([]Event, error)
}

// EventQuery selects a page of the audit trail.
type EventQuery struct {
	UserID string    // the account they are about; empty: any
	Type   EventType // empty: any
	After  Position  // the last one of the page before; zero: from the start
	Limit  int       // at least 1
}

// newEvent is the only constructor of events: about a user, caused by an account
// in a session; either may be empty.
func newEvent(c session.Client, at time.Time, what EventType, userID string, by session.Principal, detail string) Event {
	return Event{
		ID: newID(), Type: what, UserID: userID, ActorID: by.UserID, SessionID: by.SessionID, Detail: detail,
		IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: at,
	}
}

// event is newEvent for the request of ctx, now.
func (s *Service) event(ctx context.Context, what EventType, userID string, by session.Principal, detail string) Event {
	return newEvent(session.ClientFrom(ctx), s.now(), what, userID, by, detail)
}

// recordEvent queues an event for the audit trail. It does not block.
func (s *Service) recordEvent(e Event) { s.auditWriter.enqueue(e) }
