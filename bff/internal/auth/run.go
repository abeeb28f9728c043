package auth

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Run does the background work: sessions, audit events, the outbox, notices,
// retention of the audit trail. It returns when ctx ends and everything queued
// has had its last try.
func (s *Service) Run(ctx context.Context) error {
	// These two end last: the last tries of the others still add to them.
	lasting, stopLast := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLast()
	var last errgroup.Group
	last.Go(func() error { return s.auditWriter.storeLoop(lasting) })
	last.Go(func() error { return s.notices.deliverLoop(lasting) })

	g, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{s.sessions.Run, s.runOutbox, s.runRetention} {
		g.Go(func() error { return run(ctx) })
	}
	err := g.Wait()
	stopLast()
	_ = last.Wait() // their only error is that their context has ended
	return err
}
