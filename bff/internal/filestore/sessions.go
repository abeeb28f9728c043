package filestore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Create is session.Store.Create. It announces the sessions that make space in
// the same write to the journal.
func (s *Store) Create(ctx context.Context, x session.Record) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	now := s.now()
	var entries []entry
	var displaced []string
	if now.Before(x.IdleEnd) {
		for _, old := range s.surplus(x.UserID, x.ID, session.MaxSessions-1) {
			r := session.Revocation{UserID: old.UserID, SessionID: old.ID, Reason: session.ReasonSessionLimit, At: fromMillis(millis(now))}
			entries = append(entries, entry{End: endingLine(r, now)})
			displaced = append(displaced, old.ID)
		}
	}
	if err := s.write(append(entries, entry{Put: sessionLine(tidied(x))})...); err != nil {
		return nil, err
	}
	if len(displaced) > 0 {
		s.wakeFollowers()
	}
	return displaced, nil
}

// Get is session.Store.Get.
func (s *Store) Get(ctx context.Context, userID, id string) (session.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return session.Record{}, err
	}
	x, ok := s.find(userID, id)
	if !ok {
		return session.Record{}, session.ErrNoSession
	}
	return x, nil
}

// Swap is session.Store.Swap.
func (s *Store) Swap(ctx context.Context, old, next session.Record) error {
	if old.UserID != next.UserID || old.ID != next.ID {
		return errors.New("filestore: a swap keeps the session's ids")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	stored, ok := s.find(old.UserID, old.ID)
	if !ok {
		return session.ErrNoSession
	}
	if stored.Version != old.Version {
		return session.ErrConflict
	}
	next.Version = old.Version + 1
	return s.write(entry{Put: sessionLine(tidied(next))})
}

// Page is session.Store.Page: one page holds all that there may be.
func (s *Store) Page(ctx context.Context, userID, _ string) (page []session.Record, next string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, "", err
	}
	for id := range s.users[userID] {
		if x, ok := s.find(userID, id); ok {
			page = append(page, x)
		}
	}
	return page, "", nil
}

// End is session.Store.End.
func (s *Store) End(ctx context.Context, ends ...session.Revocation) error {
	return s.writeRevocations(ctx, ends, func(l *endLine) entry { return entry{End: l} })
}

// Publish is session.Revocations.Publish.
func (s *Store) Publish(ctx context.Context, news ...session.Revocation) error {
	return s.writeRevocations(ctx, news, func(l *endLine) entry { return entry{Announce: l} })
}

func (s *Store) writeRevocations(ctx context.Context, news []session.Revocation, as func(*endLine) entry) error {
	if len(news) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	now := s.now()
	entries := make([]entry, 0, len(news))
	for _, r := range news {
		r.At = fromMillis(millis(r.At))
		entries = append(entries, as(endingLine(r, now)))
	}
	if err := s.write(entries...); err != nil {
		return err
	}
	s.wakeFollowers()
	return nil
}

// wakeFollowers ends the waits of the followers. The lock is held.
func (s *Store) wakeFollowers() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// Subscribe is session.Revocations.Subscribe. What was ended before a restart is
// replayed too: access tokens outlive the process.
func (s *Store) Subscribe(ctx context.Context, keep time.Duration, f session.Subscriber) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	caughtUp := sync.OnceFunc(f.CaughtUp)
	if !s.lostBefore.IsZero() {
		f.Lost(s.lostBefore)
	}
	var reached uint64
	s.mu.Lock()
	from := s.now().Add(-keep)
	for _, e := range s.ended {
		if !e.at.Before(from) {
			break
		}
		reached = e.number
	}
	s.readers[&reached] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.readers, &reached)
	}()

	for ctx.Err() == nil {
		s.mu.Lock()
		wake := s.wake
		i, _ := slices.BinarySearchFunc(s.ended, reached+1, func(e ending, n uint64) int { return cmp.Compare(e.number, n) })
		news := slices.Clone(s.ended[i:])
		s.mu.Unlock()

		for _, e := range news {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.Revoked(e.what) // outside the lock: it may well end another session
		}
		if len(news) > 0 {
			s.mu.Lock()
			reached = news[len(news)-1].number
			s.mu.Unlock()
			continue
		}
		caughtUp()
		select {
		case <-ctx.Done():
		case <-wake:
		}
	}
	return ctx.Err()
}
