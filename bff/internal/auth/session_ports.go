package auth

import (
	"context"
	"errors"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// This file implements the ports of package session.

// SessionAccount is session.Accounts.SessionAccount.
func (s *Service) SessionAccount(ctx context.Context, userID string) (session.Account, bool, error) {
	user, err := s.users.ByID(ctx, userID)
	switch {
	case errors.Is(err, ErrNoUser), err == nil && !user.Active:
		return session.Account{}, false, nil
	case err != nil:
		return session.Account{}, false, storeError(err)
	}
	return user.Account(), true, nil
}

// SessionsEnded is session.Recorder.SessionsEnded.
func (s *Service) SessionsEnded(e session.Ending) {
	userID := e.Ends[0].UserID
	id, detail := e.Words()
	s.recordEvent(newEvent(e.Client, e.At, endEvents[e.Kind], userID, session.Principal{UserID: e.ActorID, SessionID: id}, detail))
	if e.Kind == session.EndStolen {
		n := newNotice(e.Client, e.At, NoticeSessionStolen, userID, e.Email)
		n.sessionID = id
		s.notices.enqueue(n)
	}
}

var endEvents = map[session.EndKind]EventType{
	session.EndRevoked: EventSessionRevoked,
	session.EndSignOut: EventLogout,
	session.EndStolen:  EventRefreshReuse,
	session.EndRefused: EventLoginFailed,
}
