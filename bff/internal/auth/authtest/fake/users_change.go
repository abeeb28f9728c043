package fake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Change is auth.Users.Change.
func (s *Users) Change(ctx context.Context, id string, c auth.UserChange, events ...auth.Event) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return auth.User{}, err
	}
	u, ok := s.byID[id]
	if !ok {
		return auth.User{}, auth.ErrNoUser
	}
	if c.IfHash != "" && c.IfHash != u.PasswordHash {
		return auth.User{}, auth.ErrHashChanged
	}
	if c.IfRole != nil && *c.IfRole != u.Role || c.IfActive != nil && *c.IfActive != u.Active {
		return auth.User{}, auth.ErrUserChanged
	}
	set(&u.Name, c.Name)
	set(&u.Role, c.Role)
	set(&u.Active, c.Active)
	set(&u.PasswordHash, c.PasswordHash)
	if !fits(u) {
		return auth.User{}, fmt.Errorf("%w: the account does not fit", auth.ErrDatabase)
	}
	if !activeAdmin(u) && s.lastAdmin(id) {
		return auth.User{}, auth.ErrLastAdmin
	}
	if err := s.audit.record(ctx, events...); err != nil {
		return auth.User{}, err
	}
	if c.Sync != nil {
		s.pendingSyncs = append(s.pendingSyncs, *c.Sync)
	}
	s.byID[id] = u
	return u, nil
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// Delete is auth.Users.Delete.
func (s *Users) Delete(ctx context.Context, id string, e auth.Event, x auth.PendingSync) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	u, ok := s.byID[id]
	if !ok {
		return auth.ErrNoUser
	}
	if s.lastAdmin(id) {
		return auth.ErrLastAdmin
	}
	if err := s.audit.record(ctx, e); err != nil {
		return err
	}
	delete(s.byID, id)
	delete(s.byKey, u.Email.Key)
	s.pendingSyncs = append(s.pendingSyncs, x)
	return nil
}

// PendingSyncs is auth.Users.PendingSyncs.
func (s *Users) PendingSyncs(ctx context.Context, until time.Time, limit int) ([]auth.PendingSync, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	due := slices.DeleteFunc(slices.Clone(s.pendingSyncs), func(x auth.PendingSync) bool { return x.At.After(until) })
	slices.SortFunc(due, func(a, b auth.PendingSync) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return due[:min(len(due), max(limit, 1))], nil
}

// SyncsDone is auth.Users.SyncsDone.
func (s *Users) SyncsDone(ctx context.Context, done ...auth.PendingSync) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	s.pendingSyncs = slices.DeleteFunc(s.pendingSyncs, func(x auth.PendingSync) bool {
		return slices.ContainsFunc(done, func(d auth.PendingSync) bool { return d.ID == x.ID })
	})
	return nil
}

func activeAdmin(u auth.User) bool { return u.Active && u.Role == session.RoleAdmin }

// lastAdmin reports whether the account is the only active administrator.
func (s *Users) lastAdmin(id string) bool {
	for other, u := range s.byID {
		if other != id && activeAdmin(u) {
			return false
		}
	}
	return activeAdmin(s.byID[id])
}
