package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

// SignOut ends the sessions that the two cookies belong to ("" for one that
// is missing). Expired tokens do: they are still proof of whose session it is.
// No session, or one that has ended already, is fine.
//
// When the store cannot be asked the answer is an *Error, this instance stops
// honouring the session at once and keeps trying to end it everywhere.
func (s *Service) SignOut(ctx context.Context, access, refresh string) error {
	now := s.now()
	ends := s.endsOf(access, refresh, now)
	if len(ends) == 0 {
		return nil
	}
	if err := s.end(ctx, ends...); err != nil {
		for _, e := range ends {
			s.revoked.add(e)
		}
		s.unfinished.add(ends...)
		return storeError(err)
	}
	c := clientFrom(ctx)
	for _, e := range ends {
		s.trail.add(Event{
			ID: newID(), Type: EventLogout, UserID: e.UserID, ActorID: e.UserID, SessionID: e.SessionID,
			IP: c.IP, UserAgent: c.UserAgent, RequestID: c.RequestID, At: now,
		})
	}
	return nil
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

// unfinished holds the sign-outs that met a store that could not be asked.
type unfinished struct {
	sessions Sessions
	log      *slog.Logger
	queue    chan Revocation
}

const (
	maxUnfinished   = 8192
	unfinishedRetry = time.Second
)

func newUnfinished(sessions Sessions, log *slog.Logger) *unfinished {
	return &unfinished{sessions: sessions, log: log, queue: make(chan Revocation, maxUnfinished)}
}

func (u *unfinished) add(ends ...Revocation) {
	for _, e := range ends {
		select {
		case u.queue <- e:
		default:
			u.log.Error("sign-out given up: too many wait for the session store", "user", e.UserID, "session", e.SessionID)
		}
	}
}

// run retries each until it is done or ctx ends.
func (u *unfinished) run(ctx context.Context) error {
	for {
		select {
		case e := <-u.queue:
			for {
				err := u.sessions.End(ctx, e)
				if err == nil {
					break
				}
				select {
				case <-time.After(unfinishedRetry):
				case <-ctx.Done():
					u.log.Error("sign-out not carried out before shutdown", "user", e.UserID, "session", e.SessionID, "error", err)
					return ctx.Err()
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
