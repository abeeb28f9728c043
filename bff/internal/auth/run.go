package auth

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Run does the work that requests do not wait for: following revocations,
// storing receipts and audit events, finishing sign-outs. It returns when ctx
// ends and everything queued has had its last try.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{s.revoked.run, s.receipts.run, s.trail.run, s.unfinished.run} {
		g.Go(func() error { return run(ctx) })
	}
	return g.Wait()
}
