package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// SignOut ends the sessions that the two cookies belong to ("" for one that
// is missing). Expired tokens do: they are still proof of whose session it is.
// No session, or one that has ended already, is fine, and leaves no trace: a
// dead token repeated a million times writes nothing.
//
// When the store cannot be asked the answer is an *refusal.Error, this instance stops
// honouring the session at once and keeps trying to end it everywhere.
func (s *Service) SignOut(ctx context.Context, access, refresh string) error {
	now, c := s.now(), clientFrom(ctx)
	var failure error
	for _, e := range s.endsOf(access, refresh, now) {
		out := signOut{ends: []Revocation{e}, event: Event{
			ID: newID(), Type: EventLogout, UserID: e.UserID, ActorID: e.UserID, SessionID: e.SessionID,
			IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
		}}
		_, err := s.sessions.Get(ctx, e.UserID, e.SessionID)
		if errors.Is(err, ErrNoSession) {
			s.endLeftover(ctx, access, e, now)
			continue
		}
		if err == nil {
			err = s.end(ctx, e)
		}
		if err != nil {
			s.finishLater(out)
			failure = storeError(err)
			continue
		}
		s.trail.add(out.event)
	}
	return failure
}

// endLeftover ends an access token that outlived its record: the store was
// emptied, and no other instance would ever hear of the sign-out. Once a
// session: a token repeated writes nothing more.
func (s *Service) endLeftover(ctx context.Context, access string, e Revocation, now time.Time) {
	if a, err := s.tokens.VerifyAccess(access, now); err != nil || a.SessionID != e.SessionID || !s.Alive(e.SessionID) {
		return
	}
	s.revoked.add(e)
	s.leftoverOutages.tell(s.announcer.Announce(ctx, e))
}

// signOut is one or more sessions of one user that end together, with the one
// event that says so: an event each would let one account with many sessions
// push other people's out of the queue.
type signOut struct {
	ends  []Revocation
	event Event
	tell  *Notice // nil: no mail
}

// endingOf is for sessions of a user that by ends.
func (s *Service) endingOf(ctx context.Context, userID string, by Principal, why Reason, sessionIDs ...string) signOut {
	out := signOut{event: s.event(ctx, EventSessionRevoked, userID, by)}
	for _, id := range sessionIDs {
		out.ends = append(out.ends, Revocation{UserID: userID, SessionID: id, Reason: why, At: out.event.At})
	}
	out.event.SessionID, out.event.Detail = endedWords(out.ends)
	return out
}

// endedWords gives an event's session, empty for several, and its detail.
func endedWords(ends []Revocation) (sessionID, detail string) {
	if len(ends) == 1 {
		return ends[0].SessionID, string(ends[0].Reason)
	}
	return "", fmt.Sprintf("%s: %d sessions", ends[0].Reason, len(ends))
}

// finishLater is for an end that the store could not carry out, or only
// half: this instance honours it at once and keeps trying.
func (s *Service) finishLater(out signOut) {
	for _, e := range out.ends {
		s.revoked.add(e)
	}
	s.unfinished.add(out)
}

// endsOf names the sessions of both cookies: after a mix-up they may be two.
func (s *Service) endsOf(access, refresh string, now time.Time) []Revocation {
	var ends []Revocation
	if r, err := s.tokens.VerifyRefresh(refresh, now); err == nil || errors.Is(err, token.ErrExpired) {
		ends = append(ends, Revocation{UserID: r.UserID, SessionID: r.SessionID, Reason: ReasonSignOut, At: now})
	}
	if a, err := s.tokens.VerifyAccess(access, now); err == nil || errors.Is(err, token.ErrExpired) {
		if len(ends) == 0 || ends[0].SessionID != a.SessionID {
			ends = append(ends, Revocation{UserID: a.UserID, SessionID: a.SessionID, Reason: ReasonSignOut, At: now})
		}
	}
	return ends
}

// recordEnd is for an end that has been carried out.
func (s *Service) recordEnd(o signOut) {
	s.trail.add(o.event)
	if o.tell != nil {
		s.notices.add(*o.tell)
	}
}

// end ends sessions everywhere, and on this instance before it returns.
func (s *Service) end(ctx context.Context, ends ...Revocation) error {
	if err := s.sessions.End(ctx, ends...); err != nil {
		return err
	}
	for _, e := range ends {
		s.revoked.add(e)
	}
	return nil
}
