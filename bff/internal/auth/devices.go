package auth

import (
	"context"
	"errors"
)

// Sessions lists somebody's live sessions, newest first. Refusals are *Error.
func (s *Service) Sessions(ctx context.Context, who Principal) ([]Session, error) {
	list, err := s.sessions.List(ctx, who.UserID)
	return list, storeError(err)
}

// EndSession ends one of somebody's own sessions. A session that is not
// theirs is as unknown as one that does not exist. Refusals are *Error.
func (s *Service) EndSession(ctx context.Context, who Principal, id string) error {
	switch _, err := s.sessions.Get(ctx, who.UserID, id); {
	case errors.Is(err, ErrNoSession):
		return &Error{Code: CodeNotFound, Detail: "There is no such session."}
	case err != nil:
		return storeError(err)
	}
	return s.endOwn(ctx, who, id)
}

// EndSessions ends all of somebody's sessions, or with others all but the one
// they are speaking from. Refusals are *Error.
func (s *Service) EndSessions(ctx context.Context, who Principal, others bool) error {
	list, err := s.sessions.List(ctx, who.UserID)
	if err != nil {
		return storeError(err)
	}
	var ids []string
	if !others {
		ids = append(ids, who.SessionID) // also when the index does not name it
	}
	for _, rec := range list {
		if rec.ID != who.SessionID {
			ids = append(ids, rec.ID)
		}
	}
	return s.endOwn(ctx, who, ids...)
}

func (s *Service) endOwn(ctx context.Context, who Principal, ids ...string) error {
	now, c := s.now(), clientFrom(ctx)
	outs := make([]signOut, 0, len(ids))
	ends := make([]Revocation, 0, len(ids))
	for _, id := range ids {
		reason := ReasonEnded
		if id == who.SessionID {
			reason = ReasonSignOut
		}
		end := Revocation{UserID: who.UserID, SessionID: id, Reason: reason, At: now}
		ends = append(ends, end)
		outs = append(outs, signOut{end: end, event: Event{
			ID: newID(), Type: EventSessionRevoked, UserID: who.UserID, ActorID: who.UserID, SessionID: id,
			Detail: string(reason), IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
		}})
	}
	if err := s.end(ctx, ends...); err != nil {
		// It may be half done: announced, which also ends the session that
		// would ask again. So it is finished without being asked.
		s.finishLater(outs...)
		return storeError(err)
	}
	for _, o := range outs {
		s.trail.add(o.event)
	}
	return nil
}
