// Package fake has the stores behind package auth that no product runs on:
// accounts and audit trail in memory, with switches for outages, for tests.
// They pass the contracts of authtest as the real ones do.
package fake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Audit is auth.Audit in memory, for tests.
type Audit struct {
	mu      sync.Mutex
	events  []auth.Event
	failure error

	leases map[string]lease
	clock  func() time.Time
	turns  int
	looks  int
}

var _ auth.Audit = (*Audit)(nil)

// Append is auth.Audit.Append. An event that is there already is not changed.
func (s *Audit) Append(ctx context.Context, events ...auth.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return err
	}
	for _, e := range events {
		if !fitsEventID(e.ID) {
			return fmt.Errorf("%w: the event id %q does not fit", auth.ErrDatabase, e.ID)
		}
	}
	for _, e := range events {
		if !s.has(e.ID) {
			s.events = append(s.events, cut(e))
		}
	}
	return nil
}

// record adds events that must be new: all of them or none.
func (s *Audit) record(ctx context.Context, events ...auth.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return err
	}
	before := len(s.events)
	for _, e := range events {
		if !fitsEventID(e.ID) || s.has(e.ID) {
			s.events = s.events[:before]
			return fmt.Errorf("%w: the event id %q is used or does not fit", auth.ErrDatabase, e.ID)
		}
		s.events = append(s.events, cut(e))
	}
	return nil
}

// Page is auth.Audit.Page.
func (s *Audit) Page(ctx context.Context, q auth.EventQuery) ([]auth.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return nil, err
	}
	wanted := slices.Clone(s.events)
	wanted = slices.DeleteFunc(wanted, func(e auth.Event) bool {
		return q.UserID != "" && e.UserID != q.UserID || q.Type != "" && e.Type != q.Type
	})
	return page(wanted, func(e auth.Event) auth.Position { return auth.Position{At: e.At, ID: e.ID} }, q.After, q.Limit), nil
}

// page sorts all, the newest first, and gives what comes after a position, at
// most limit of it.
func page[T any](all []T, at func(T) auth.Position, after auth.Position, limit int) []T {
	newestFirst := func(a, b auth.Position) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID))
	}
	if after != (auth.Position{}) {
		after.At = stored(after.At)
		all = slices.DeleteFunc(all, func(e T) bool { return newestFirst(at(e), after) <= 0 })
	}
	slices.SortFunc(all, func(a, b T) int { return newestFirst(at(a), at(b)) })
	return all[:min(len(all), max(limit, 1))]
}

func fitsEventID(id string) bool { return id != "" && len(id) <= 64 && utf8.ValidString(id) }

func (s *Audit) has(id string) bool {
	return slices.ContainsFunc(s.events, func(e auth.Event) bool { return e.ID == id })
}

// cut is e as a database keeps it: text in UTF-8 and of some length, the time
// in milliseconds.
func cut(e auth.Event) auth.Event {
	e.At = stored(e.At)
	for text, most := range map[*string]int{
		(*string)(&e.Type): 32, &e.UserID: 64, &e.ActorID: 64, &e.SessionID: 64, &e.Detail: 255, &e.IP: 64, &e.UserAgent: 256, &e.RequestID: 128,
	} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
		if len(*text) > most {
			*text = strings.ToValidUTF8((*text)[:most], "") // the cut may go through a letter
		}
	}
	return e
}

// stored is a time as a database gives it back: in milliseconds and UTC.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func answerable(ctx context.Context, failure error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", auth.ErrDatabase, ctx.Err())
	case failure != nil:
		return fmt.Errorf("%w: %w", auth.ErrDatabase, failure)
	}
	return nil
}

// Fail makes every call report that the database is away, because
// of err, until Fail(nil).
func (s *Audit) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// Events gives what has been appended, oldest first.
func (s *Audit) Events() []auth.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}
