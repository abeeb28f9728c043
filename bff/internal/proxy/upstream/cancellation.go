package upstream

import (
	"context"
	"slices"
	"sync"
)

// Cancellation is the context of one exchange: that of the client's request,
// ended early with a reason of ours. It is what context.WithCancelCause and two
// times context.AfterFunc would be, with a third of their allocations.
type Cancellation struct {
	context.Context // of the client's request

	mu      sync.Mutex
	err     error // why; nil while it goes on
	done    chan struct{}
	release func() bool // of the parent
	abort   func()      // see setAbort
	after   []*func()
}

// Attach has the exchange end with parent.
func (c *Cancellation) Attach(parent context.Context) {
	c.Context = parent
	c.release = context.AfterFunc(parent, func() { c.Cancel(context.Cause(parent)) })
}

// Finish is the end of the exchange.
func (c *Cancellation) Finish() {
	c.release()
	c.Cancel(context.Canceled)
}

// Cancel ends the exchange. The first reason counts.
func (c *Cancellation) Cancel(why error) {
	for _, f := range c.end(why) {
		f() // a derived context, which asks for our Err
	}
}

func (c *Cancellation) end(why error) (after []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil
	}
	c.err = why
	if c.done != nil {
		close(c.done)
	}
	if c.abort != nil {
		c.abort()
	}
	for _, f := range c.after {
		after = append(after, *f)
	}
	return after
}

// Cause is why the exchange has ended, nil while it goes on. [context.Cause]
// would answer for the client's request.
func (c *Cancellation) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// setAbort has abort called at the end, at once if that was before; it must not
// block. There is one at a time.
func (c *Cancellation) setAbort(abort func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abort = abort; c.err != nil {
		abort()
	}
}

// clearAbort reports whether what was given to setAbort has not been called, and will
// not be.
func (c *Cancellation) clearAbort() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abort = nil
	return c.err == nil
}

// Done implements context.Context.
func (c *Cancellation) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *Cancellation) Err() error {
	if c.Cause() != nil {
		return context.Canceled
	}
	return nil
}

// AfterFunc is what contexts that are derived from this one look for: they
// would start a goroutine each without it.
func (c *Cancellation) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	ended := c.err != nil
	if !ended {
		c.after = append(c.after, &f)
	}
	c.mu.Unlock()
	if ended {
		go f() // the caller holds the lock that it wants
	}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.Index(c.after, &f)
		if i < 0 || c.err != nil {
			return false
		}
		c.after = slices.Delete(c.after, i, i+1)
		return true
	}
}
