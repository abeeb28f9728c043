package doctor

import (
	"fmt"
	"time"
)

// How far a clock may be from this machine's. Instances tolerate a minute between
// each other (they read revocations from so much earlier); a difference of more than
// a few seconds means that nothing synchronises the clock, and grows.
const (
	clockWarning = 5 * time.Second
	clockProblem = time.Minute
)

// Clock judges another clock, read at some time between before and after on this
// one: the round trip does not count as a difference.
func Clock(whose string, before, there, after time.Time) Result {
	var off time.Duration
	switch {
	case there.Before(before):
		off = there.Sub(before)
	case there.After(after):
		off = there.Sub(after)
	}
	r := Result{State: OK, Found: fmt.Sprintf("%s clock agrees with this machine's, within %s", whose, max(after.Sub(before), time.Millisecond).Round(time.Millisecond))}
	if off == 0 {
		return r
	}
	direction, by := "ahead of", off
	if off < 0 {
		direction, by = "behind", -off
	}
	r.Found = fmt.Sprintf("%s clock is %s %s this machine's", whose, by.Round(time.Millisecond), direction)
	switch {
	case by >= clockProblem:
		r.State = Problem
	case by >= clockWarning:
		r.State = Warning
	default:
		return r
	}
	r.Fix = "Have NTP (chrony, systemd-timesyncd) set the clocks of both machines: instances may be a minute apart, and tokens and sessions end by their clocks."
	return r
}
