package auth

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// NoticeKind names what somebody is told about their account.
type NoticeKind string

// The notices there are (OWASP ASVS 5.0, V6.3.7).
const (
	NoticePasswordChanged NoticeKind = "password_changed" // by themselves, or whoever sat there
	NoticePasswordSet     NoticeKind = "password_set"     // by an administrator
	NoticeAccountDeleted  NoticeKind = "account_deleted"
	NoticeAccountDisabled NoticeKind = "account_disabled"
	NoticeRoleChanged     NoticeKind = "role_changed"
	NoticeSessionStolen   NoticeKind = "session_stolen"
	NoticeNewBrowser      NoticeKind = "new_browser"
)

// NoticeKinds lists every NoticeKind, so that a test can see that each has words.
var NoticeKinds = []NoticeKind{
	NoticePasswordChanged, NoticePasswordSet, NoticeAccountDeleted, NoticeAccountDisabled,
	NoticeRoleChanged, NoticeSessionStolen, NoticeNewBrowser,
}

// Notice tells somebody what has happened to their account. It never holds a
// secret, and no word that somebody else could choose, such as a name: whoever
// signs up with another's address would have us send their text.
type Notice struct {
	ID     string // newID; the same at each attempt
	Kind   NoticeKind
	UserID string
	To     string       // the account's stored address
	Role   session.Role // the new one, of NoticeRoleChanged
	At     time.Time
	// Of the browser that did it; empty when that is an administrator's, whose
	// address is nobody else's business.
	IP        string
	UserAgent string

	sessionID string
}

// Mailer brings notices to people.
type Mailer interface {
	// Deliver brings n to n.To and to nobody else. Its error is for the log: it
	// names no address, and wraps ErrUndeliverable when a further attempt would
	// end the same way. It returns soon after ctx has ended.
	Deliver(ctx context.Context, n Notice) error
}

// ErrUndeliverable: the other side has refused for good.
var ErrUndeliverable = errors.New("refused for good")

// notify has somebody told of what has taken effect. It waits for nothing.
func (s *Service) notify(ctx context.Context, kind NoticeKind, userID, to string, change ...func(*Notice)) {
	n := newNotice(session.ClientFrom(ctx), s.now(), kind, userID, to)
	for _, f := range change {
		f(&n)
	}
	s.notices.add(n)
}

// newNotice is the one constructor of notices: about what a browser did.
func newNotice(c session.Client, at time.Time, kind NoticeKind, userID, to string) Notice {
	return Notice{ID: newID(), Kind: kind, UserID: userID, To: to, At: at, IP: c.IP, UserAgent: c.UserAgent}
}

// byAdministrator hides where from.
func byAdministrator(n *Notice) { n.IP, n.UserAgent = "", "" }

// theftClaim is for one session: instances that see its theft at the same
// moment end it each, and one of them tells its owner.
var theftClaim = session.Allowance{Count: 1, Per: time.Hour}

// due says whether a notice is to be sent, or by which word it is not. What it
// asks may take its time: it is called off the requests' path.
func (s *Service) due(ctx context.Context, n Notice) (suppressed string, err error) {
	switch n.Kind {
	case NoticeNewBrowser:
		// Everybody signs in for the first time once, from a new browser.
		if first, err := s.firstSignIn(ctx, n); first || err != nil {
			return suppressedFirst, err
		}
	case NoticeSessionStolen:
		if wait, err := s.limiter.Take(ctx, "theft:"+n.sessionID, theftClaim); wait > 0 || err != nil {
			return suppressedLimit, err
		}
	default: // the other kinds have the limit of the address alone
	}
	// By address, not by account: whoever signs up with somebody else's, deletes
	// the account and begins anew does not fill that mailbox.
	email, problem := ParseEmail(n.To)
	if problem != "" {
		return suppressedLimit, nil // an old row; nothing that mail servers take
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

// firstSignIn: the trail has no other one. It is written beside the requests,
// as this is: the sign-in itself may be in it already, or not yet.
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
