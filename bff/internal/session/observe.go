package session

import "time"

// Observer is told what the manager does, for metrics: words of a fixed list and
// numbers, never whose. Fields may be nil.
type Observer struct {
	// Refreshed: what a presented refresh token led to. Tabs that share one
	// answer count once.
	Refreshed func(outcome string)
	// Limited: whether a limit let somebody through.
	Limited func(limit string, allowed bool)
	// Revoked: how long after a session's end this instance knows of it.
	Revoked func(lag time.Duration)
}

// complete fills in what is nil.
func (o Observer) complete() Observer {
	if o.Refreshed == nil {
		o.Refreshed = func(string) {}
	}
	if o.Limited == nil {
		o.Limited = func(string, bool) {}
	}
	if o.Revoked == nil {
		o.Revoked = func(time.Duration) {}
	}
	return o
}

var outcomeWords = [...]string{
	rotated: "rotated", reissued: "redated", replayed: "replayed", served: "served", stolen: "stolen", gone: "gone",
}

func (o outcome) String() string { return outcomeWords[o] }

// refreshRevoked is for the tokens of sessions that are not there any more;
// decide has no say in those.
const refreshRevoked = "revoked"

// RefreshOutcomes are the words that Observer.Refreshed is called with.
func RefreshOutcomes() []string { return append(outcomeWords[:], refreshRevoked) }
