package session

// clock is how far the time is moved on at once.
type clock uint8

const (
	tick      clock = iota // 5 s: within the parent grace
	tickToEnd              // 5 s, in which the current access token expires
	toEdge                 // until it is about to
	toEnd                  // until it has
	hours                  // the laptop was closed
)

// passes reports whether moving on so far makes a difference at all.
func (w *model) passes(c clock, l *lives) bool {
	switch c {
	case tick:
		return true
	case tickToEnd:
		return w.issued[0] == nearEnd
	case hours:
		return w.issued[0] < old
	default:
		return l.fresh(w, current) && w.issued[0] < nearEnd
	}
}

// pass moves the time on.
func (w *model) pass(c clock) {
	switch {
	case !c.short():
		w.window = 0
	case w.window > 0 && w.window != anyTime:
		w.window--
	}
	for i, a := range w.issued {
		switch {
		case a == never:
		case a == nearEnd && c.short() && (c == tickToEnd || i > 0):
			w.issued[i] = expired
		case c.short():
			w.issued[i] = older(a)
		case c == toEdge && i == 0:
			w.issued[i] = nearEnd
		case c == hours && i == 0:
			w.issued[i] = old
		default: // an older pair expires no later
			w.issued[i] = max(a, expired)
		}
	}
	r := &w.replica
	switch {
	case !c.short():
		r.window = 0
	case r.window > 0 && r.window != anyTime:
		r.window--
	}
	r.issued, w.twin, r.received = agedPair(r.issued, c), agedPair(w.twin, c), aged(r.received, c)
	w.received, w.used = aged(w.received, c), aged(w.used, c)
	for i := range w.seen {
		w.seen[i] = aged(w.seen[i], c)
	}
	for i := range w.flight {
		m := &w.flight[i]
		switch {
		case m.what == arrived && (!c.short() || m.age != just):
			*m = message{} // rotateTimeout is over: 503, and nothing has changed
		case m.what != idle:
			m.age = aged(m.age, c)
		}
	}
}

func (c clock) short() bool { return c == tick || c == tickToEnd }

// agedPair is the age of a pair that is not the newest.
func agedPair(a age, c clock) age {
	switch {
	case a == never:
		return never
	case a == nearEnd && c.short():
		return expired
	case c.short():
		return older(a)
	case c == hours:
		return old
	case c == toEdge:
		return max(a, nearEnd)
	default:
		return max(a, expired)
	}
}

func older(a age) age {
	if a == never || a >= late {
		return a
	}
	return a + 1
}

func aged(a age, c clock) age {
	switch {
	case a == never:
		return never
	case c.short():
		return older(a)
	default:
		return late
	}
}
