package sessiontest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// Sessions is a session store with an outage whenever a test wants one.
type Sessions struct {
	store Store

	mu      sync.RWMutex // held for reading by calls, so that Fail waits for those before it
	failure error
}

var _ Store = (*Sessions)(nil)

// NewSessions gives store, which works until Fail.
func NewSessions(store Store) *Sessions { return &Sessions{store: store} }

// Fail makes every call but Subscribe fail with ErrSessionStore,
// because of err, until Fail(nil).
func (s *Sessions) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// try calls the store unless it is away.
func (s *Sessions) try(ctx context.Context, call func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failure != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", session.ErrSessionStore, s.failure)
	}
	return call()
}

// Create is session.Store.Create.
func (s *Sessions) Create(ctx context.Context, x session.Record) (displaced []string, err error) {
	err = s.try(ctx, func() (err error) {
		displaced, err = s.store.Create(ctx, x)
		return err
	})
	return displaced, err
}

// Get is session.Store.Get.
func (s *Sessions) Get(ctx context.Context, userID, id string) (x session.Record, err error) {
	err = s.try(ctx, func() (err error) {
		x, err = s.store.Get(ctx, userID, id)
		return err
	})
	return x, err
}

// Swap is session.Store.Swap.
func (s *Sessions) Swap(ctx context.Context, old, next session.Record) error {
	return s.try(ctx, func() error { return s.store.Swap(ctx, old, next) })
}

// Page is session.Store.Page.
func (s *Sessions) Page(ctx context.Context, userID, cursor string) (page []session.Record, next string, err error) {
	err = s.try(ctx, func() (err error) {
		page, next, err = s.store.Page(ctx, userID, cursor)
		return err
	})
	return page, next, err
}

// End is session.Store.End. Ending nothing makes no call.
func (s *Sessions) End(ctx context.Context, ends ...session.Revocation) error {
	if len(ends) == 0 {
		return nil
	}
	return s.try(ctx, func() error { return s.store.End(ctx, ends...) })
}

// Publish is session.Revocations.Publish. Publishing nothing makes no call.
func (s *Sessions) Publish(ctx context.Context, news ...session.Revocation) error {
	if len(news) == 0 {
		return nil
	}
	return s.try(ctx, func() error { return s.store.Publish(ctx, news...) })
}

// Subscribe is session.Revocations.Subscribe. It goes on during an outage.
func (s *Sessions) Subscribe(ctx context.Context, keep time.Duration, f session.Subscriber) error {
	return s.store.Subscribe(ctx, keep, f)
}
