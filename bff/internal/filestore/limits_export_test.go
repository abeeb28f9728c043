package filestore

import "time"

// SmallLimits are Limits that remember so many keys of a kind, as filling the
// real ones takes half a minute with the race detector.
func SmallLimits(now func() time.Time, most int) *Limits { return limitsOf(now, most) }

// KeptLimits counts the keys that memory holds, of all kinds together.
func (l *Limits) KeptLimits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.attempts.at)
	for _, kind := range l.taken {
		n += len(kind.at)
	}
	return n
}
