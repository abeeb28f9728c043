package fake

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// auditStep is small, so that tests see more than one.
const auditStep = 10

var _ auth.AuditKeeper = (*Audit)(nil)

type lease struct {
	holder string
	ends   time.Time
}

// Clock is auth.AuditKeeper.Clock.
func (s *Audit) Clock(ctx context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return s.now(), answerable(ctx, s.failure)
}

// Lease is auth.AuditKeeper.Lease, by the clock of SetClock.
func (s *Audit) Lease(ctx context.Context, task, holder string, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns++
	if err := answerable(ctx, s.failure); err != nil {
		return false, err
	}
	if l, taken := s.leases[task]; taken && l.holder != holder && l.ends.After(s.now()) {
		return false, nil
	}
	if s.leases == nil {
		s.leases = map[string]lease{}
	}
	s.leases[task] = lease{holder, until}
	return true, nil
}

// SetClock gives the time that it is, and that leases end by.
func (s *Audit) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = now
}

func (s *Audit) now() time.Time {
	if s.clock == nil {
		return time.Time{}
	}
	return s.clock()
}

// Prune is auth.AuditKeeper.Prune.
func (s *Audit) Prune(ctx context.Context, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return 0, err
	}
	old := slices.DeleteFunc(slices.Clone(s.events), func(e auth.Event) bool { return !e.At.Before(before) })
	slices.SortFunc(old, func(a, b auth.Event) int { return a.At.Compare(b.At) })
	old = old[:min(len(old), auditStep)]
	s.events = slices.DeleteFunc(s.events, func(e auth.Event) bool {
		return slices.ContainsFunc(old, func(o auth.Event) bool { return o.ID == e.ID })
	})
	return len(old), nil
}

// Redact is auth.AuditKeeper.Redact.
func (s *Audit) Redact(ctx context.Context, userID string) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil || userID == "" {
		return 0, err
	}
	for i, e := range s.events {
		if n < auditStep && e.UserID == userID && e.IP+e.UserAgent != "" {
			s.events[i].IP, s.events[i].UserAgent = "", ""
			n++
		}
	}
	return n, nil
}

// RedactActs is auth.AuditKeeper.RedactActs.
func (s *Audit) RedactActs(ctx context.Context, gone func(string) bool, after auth.Position) (n int, last auth.Position, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return 0, auth.Position{}, err
	}
	slices.SortFunc(s.events, func(a, b auth.Event) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	looked := 0
	for i, e := range s.events {
		if at := e.At.Compare(after.At); at < 0 || at == 0 && e.ID <= after.ID {
			continue
		}
		if e.ActorID != e.UserID && gone(e.ActorID) && e.IP+e.UserAgent != "" {
			s.events[i].IP, s.events[i].UserAgent = "", ""
			n++
		}
		if looked++; looked == auditStep {
			return n, auth.Position{At: e.At, ID: e.ID}, nil
		}
	}
	return n, auth.Position{}, nil
}

// ClockCalls is how often Clock was called, LeaseCalls how often Lease was.
func (s *Audit) ClockCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// LeaseCalls is how often Lease was called.
func (s *Audit) LeaseCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turns
}
