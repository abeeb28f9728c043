package redisstore

import "time"

// Patient makes Limits wait for Redis even on a machine that is very busy, as
// one that runs tests is.
func (l *Limits) Patient() *Limits {
	l.budget = 15 * time.Second
	return l
}
