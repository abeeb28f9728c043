package session

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Run does the background work: it follows revocations, stores acks and retries
// pending sign-outs. It returns when ctx ends and everything queued has had its
// last try.
func (m *Manager) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{m.revoked.subscribe, m.acks.writeLoop, m.pendingSignOuts.retryLoop} {
		g.Go(func() error { return run(ctx) })
	}
	return g.Wait()
}

// CaughtUp is closed when Run has read which sessions ended before it began.
// Until then their access tokens, which are verified without I/O, look valid.
func (m *Manager) CaughtUp() <-chan struct{} { return m.revoked.caughtUp }
