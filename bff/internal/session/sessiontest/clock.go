// Package sessiontest holds the contract that every session store must pass, a
// store with outages for tests, and a clock.
package sessiontest

import (
	"sync"
	"time"
)

// Clock is a clock that moves only by Advance and Set. It is safe for concurrent
// use. Its Now method is what packages take as `Now func() time.Time`.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Start is where a new Clock stands: a fixed moment in UTC with odd
// milliseconds, so that code which drops them is seen to.
var Start = time.Date(2026, time.March, 14, 15, 9, 26, 535e6, time.UTC)

// NewClock gives a clock that stands at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d and gives the new time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// Set moves the clock to t, backwards too.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
