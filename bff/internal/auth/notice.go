package auth

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// NoticeKind is the kind of a security notice.
type NoticeKind string

// The security notices (OWASP ASVS 5.0, V6.3.7).
const (
	NoticePasswordChanged NoticeKind = "password_changed" // in a session of the account
	NoticePasswordSet     NoticeKind = "password_set"     // by an administrator
	NoticeAccountDeleted  NoticeKind = "account_deleted"
	NoticeAccountDisabled NoticeKind = "account_disabled"
	NoticeRoleChanged     NoticeKind = "role_changed"
	NoticeSessionStolen   NoticeKind = "session_stolen"
	NoticeNewBrowser      NoticeKind = "new_browser"
)

// NoticeKinds lists every NoticeKind, so that a test can check that each has a
// text.
var NoticeKinds = []NoticeKind{
	NoticePasswordChanged, NoticePasswordSet, NoticeAccountDeleted, NoticeAccountDisabled,
	NoticeRoleChanged, NoticeSessionStolen, NoticeNewBrowser,
}

// Notice is a mail to the owner of an account about a change of it. It never
// holds a secret, nor text that another person could choose, such as a name: a
// sign-up with a foreign address would make us send that text.
type Notice struct {
	ID     string // newID; the same at each attempt
	Kind   NoticeKind
	UserID string
	To     string       // the account's stored address
	Role   session.Role // the new one, of NoticeRoleChanged
	At     time.Time
	// Of the browser that made the change; empty for an administrator's, whose
	// address the owner must not see.
	IP        string
	UserAgent string

	sessionID string
}

// Mailer sends notices.
type Mailer interface {
	// Deliver sends n to n.To alone. Its error is for the log: it contains no
	// address, and wraps ErrUndeliverable when a further attempt would fail the
	// same way. It returns soon after ctx has ended.
	Deliver(ctx context.Context, n Notice) error
}

// ErrUndeliverable is a permanent refusal of the mail server.
var ErrUndeliverable = errors.New("refused for good")

// notify queues a notice about a change that has taken effect. It does not block.
func (s *Service) notify(ctx context.Context, kind NoticeKind, userID, to string, change ...func(*Notice)) {
	n := newNotice(session.ClientFrom(ctx), s.now(), kind, userID, to)
	for _, f := range change {
		f(&n)
	}
	s.notices.enqueue(n)
}

// newNotice is the only constructor of notices: about a change made by a browser.
func newNotice(c session.Client, at time.Time, kind NoticeKind, userID, to string) Notice {
	return Notice{ID: newID(), Kind: kind, UserID: userID, To: to, At: at, IP: c.IP, UserAgent: c.UserAgent}
}

// byAdministrator removes the address and browser.
func byAdministrator(n *Notice) { n.IP, n.UserAgent = "", "" }

// theftClaim limits the notices of a theft per session: instances that detect it
// at the same moment each end the session, and only one sends the notice.
var theftClaim = session.Allowance{Count: 1, Per: time.Hour}

// due reports whether a notice is to be sent, or the reason why not. It may
// block: it runs off the request's path.
func (s *Service) due(ctx context.Context, n Notice) (suppressed string, err error) {
	switch n.Kind {
	case NoticeNewBrowser:
		// The first sign-in of every account is from a new browser.
		if first, err := s.firstSignIn(ctx, n); first || err != nil {
			return suppressedFirst, err
		}
	case NoticeSessionStolen:
		if wait, err := s.limiter.Take(ctx, "theft:"+n.sessionID, theftClaim); wait > 0 || err != nil {
			return suppressedLimit, err
		}
	default: // the other kinds have the limit of the address alone
	}
	// By address, not by account: signing up with a foreign address, deleting the
	// account and repeating does not fill that mailbox.
	email, problem := ParseEmail(n.To)
	if problem != "" {
		return suppressedLimit, nil // an old row, not a valid address
	}
	if wait, err := s.limiter.Take(ctx, "notice:"+string(n.Kind)+":"+email.Key, s.limits.Notice); wait > 0 || err != nil {
		return suppressedLimit, err
	}
	return "", nil
}

const (
	suppressedFirst = "first sign-in"
	suppressedLimit = "limit"
)

// firstSignIn reports whether the audit trail has no other sign-in. Events are
// written asynchronously: the sign-in itself may be in it already, or not yet.
func (s *Service) firstSignIn(ctx context.Context, n Notice) (bool, error) {
	events, err := s.audit.Page(ctx, EventQuery{UserID: n.UserID, Type: EventLoginSucceeded, Limit: 2})
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if e.SessionID != n.sessionID {
			return false, nil
		}
	}
	return true, nil
}
