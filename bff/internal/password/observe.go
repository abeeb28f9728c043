package password

// Observer receives counts and durations of a Hasher, for metrics. Fields may be nil.
type Observer struct {
	// Refused: the queue was full.
	Refused func()
	// Begins is called when a hash begins to be computed; what it returns is
	// called at its end.
	Begins func() (ended func())
	// Judges is called when a password begins to be judged.
	Judges func()
}

// Observe sets the Observer. It must be called before h is used.
func (h *Hasher) Observe(o Observer) { h.observe = o }

func (o Observer) begins() (ended func()) {
	if o.Begins == nil {
		return func() {}
	}
	return o.Begins()
}

// Running is how many passwords are being hashed or judged.
func (h *Hasher) Running() int { return len(h.queue.slots) }

// Waiting is how many callers wait for their turn.
func (h *Hasher) Waiting() int { return max(0, h.queue.len()-len(h.queue.slots)) }
