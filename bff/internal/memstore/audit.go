package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
)

// Audit is auth.Audit in memory, for tests.
type Audit struct {
	mu      sync.Mutex
	events  []auth.Event
	failure error
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
		if e.ID == "" {
			return fmt.Errorf("%w: an event without an id", auth.ErrDatabase)
		}
	}
	for _, e := range events {
		if !s.has(e.ID) {
			s.events = append(s.events, cut(e))
		}
	}
	return nil
}

// record adds an event that must be new.
func (s *Audit) record(ctx context.Context, e auth.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := answerable(ctx, s.failure); err != nil {
		return err
	}
	if e.ID == "" || s.has(e.ID) {
		return fmt.Errorf("%w: the event id %q is used or empty", auth.ErrDatabase, e.ID)
	}
	s.events = append(s.events, cut(e))
	return nil
}

func (s *Audit) has(id string) bool {
	return slices.ContainsFunc(s.events, func(e auth.Event) bool { return e.ID == id })
}

// cut is e as a database keeps it: text in UTF-8 and of some length, the time
// in milliseconds.
func cut(e auth.Event) auth.Event {
	e.At = fromMillis(millis(e.At))
	for text, most := range map[*string]int{
		&e.UserID: 64, &e.ActorID: 64, &e.SessionID: 64, &e.Detail: 100, &e.IP: 45, &e.UserAgent: 256, &e.RequestID: 64,
	} {
		*text = strings.ToValidUTF8(*text, "\uFFFD")
		if len(*text) > most {
			*text = strings.ToValidUTF8((*text)[:most], "") // the cut may go through a letter
		}
	}
	return e
}

func answerable(ctx context.Context, failure error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", auth.ErrDatabase, ctx.Err())
	case failure != nil:
		return fmt.Errorf("%w: %w", auth.ErrDatabase, failure)
	}
	return nil
}

// Fail makes every call answer that the database could not be asked, because
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
