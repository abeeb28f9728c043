package session

import "time"

// Observer receives counts and durations for metrics, with labels of fixed lists
// and without identities. Fields may be nil.
type Observer struct {
	// Refreshed: the outcome of a presented refresh token. Tabs that share one
	// answer count once.
	Refreshed func(outcome string)
	// Limited: whether a limit allowed a call.
	Limited func(limit string, allowed bool)
	// Revoked: how long after the end of a session this instance knows of it.
	Revoked func(lag time.Duration)
}

// complete replaces nil fields by functions that do nothing.
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

// refreshRevoked is the outcome for tokens of sessions without a record, which
// decide does not see.
const refreshRevoked = "revoked"

// RefreshOutcomes returns the labels that Observer.Refreshed is called with.
func RefreshOutcomes() []string { return append(outcomeWords[:], refreshRevoked) }
