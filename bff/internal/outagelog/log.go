// Package outagelog logs an outage in two lines: one when work begins to fail, and
// one with a count when it works again.
package outagelog

import (
	"log/slog"
	"sync"
	"time"
)

// Log says of work that is done over and over, for one session after the
// other, that it fails: a line when it begins to, and one with a count when it
// is over. A line for each try used to fill the log during an outage with
// thousands that say the same.
type Log struct {
	log             *slog.Logger
	now             func() time.Time
	failing, mended string // the two lines' messages

	mu          sync.Mutex
	failures    int // since the first line; 0: it works
	first, last time.Time
}

// outageOver is how long nothing must have failed. While a part of the store is
// away, as a master of a Cluster, what fails and what works come in turns.
const outageOver = 10 * time.Second

// New gives a log whose two lines have these messages.
func New(log *slog.Logger, now func() time.Time, failing, mended string) *Log {
	return &Log{log: log, now: now, failing: failing, mended: mended}
}

// Note is Failed, or Worked without an error.
func (o *Log) Note(err error) {
	if err != nil {
		o.Failed(err)
	} else {
		o.Worked()
	}
}

// Failed logs the first failure of an outage, and counts the others.
func (o *Log) Failed(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.failures > 0 && now.Sub(o.last) >= outageOver {
		o.end()
	}
	if o.failures == 0 {
		o.first = now
		o.log.Warn(o.failing, "error", err)
	}
	o.failures++
	o.last = now
}

// Worked logs the end of an outage, once nothing has failed for outageOver.
func (o *Log) Worked() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failures > 0 && o.now().Sub(o.last) >= outageOver {
		o.end()
	}
}

// end is called with mu held.
func (o *Log) end() {
	o.log.Info(o.mended, "failures", o.failures, "for", o.last.Sub(o.first).String())
	o.failures = 0
}
