package session

import "time"

// replica is a copy of the record that a failover may put in its place. It is
// exact at the moment when it loses its master; what is written after
// that is lost with the master: rotations, dates, acks, the reissue window.
//
// One tab is walked with changes of the account, two without: both together are
// six million states, four minutes on a busy machine; they hold as well.
// What is not walked: a copy that is two generations behind (it is taken to
// catch up with its master), or of an earlier date that no change of the account
// has given, and a change between the failover and the first refresh.
type replica struct {
	state    copying
	at       behind // its pair
	issued   age    // once it has taken over; until then that of its generation
	received age
	window   uint8
	told     bool // the account has changed since, and state.announced is the pair
}

type copying uint8

const (
	inStep   copying = iota
	lagging          // hears of nothing any more
	tookOver         // is the record
)

// at is the record's own pair: the newest there is but after a failover.
func (w *model) at() behind {
	if w.replica.state == tookOver {
		return w.replica.at
	}
	return current
}

// lag has the replica lose its master.
func (w *model) lag() {
	w.replica = replica{state: lagging, received: w.received, window: w.window}
}

// mayLag reports whether a copy from now on is walked.
func (w *model) mayLag() bool { return w.replica.state == inStep }

// mayFail reports whether a failover now is walked.
func (w *model) mayFail() bool { return w.replica.state == lagging }

// keepUp lets a replica catch up with its master that is too far behind.
func (w *model) keepUp() {
	r := &w.replica
	if r.state == lagging && (r.at.generations() > 1 || r.at%2 == 1 && !r.told) {
		*r = replica{}
	}
	if r.state == tookOver && r.issued < nearEnd || r.told {
		r.window = 0
	}
	if !r.told {
		w.announced = current
	}
	switch {
	case w.jar != outdated: // the browser has other cookies
		w.twin = never
	case w.twin != never: // it expires when the hours pass: until then a browser may also wait
		w.twin = just
	}
}

// failOver makes the copy the record.
func (w *model) failOver() {
	r := w.replica
	if r.at == current { // no pair is lost, only what was written beside it
		w.received, w.window, w.replica = r.received, r.window, replica{}
		return
	}
	w.replica.state, w.replica.issued = tookOver, w.issued[r.at.generations()]
}

// copied is the record after a failover.
func (w *model) copied() Record {
	r := w.replica
	rec := w.minted(r.at.generations())
	rec.IssuedAt = when(r.issued)
	rec.IdleEnd = rec.IssuedAt.Add(testPolicy.RefreshTTL)
	rec.ReceivedAt, rec.ReissueUntil = when(r.received), windowEnd(r.window)
	return rec
}

// presentedTo is what the refresh token of a pair says of it.
func (w *model) presentedTo(rec Record, b behind) TokenPair {
	if w.replica.state != tookOver {
		return b.presented(rec)
	}
	p := TokenPair{modelGeneration - uint32(b.generations()), rec.IssuedAt}
	if b.generations() == w.replica.at.generations() && b%2 == 1 {
		p.IssuedAt = p.IssuedAt.Add(-time.Second)
	}
	return p
}

// reissuedAt is what becomes of a pair when another of a generation gets a later
// date.
func reissuedAt(generations uint8) func(behind) behind {
	return func(b behind) behind {
		if b.generations() == generations {
			return b | 1
		}
		return b
	}
}

// catchUp is the repair of a record that is older than what was announced, with
// the code under test. It gives the presented pair's new place.
func (s *server) catchUp(w *model, back behind, now time.Time) behind {
	g := w.announced.generations()
	rec := w.record()
	since := TokenPair{modelGeneration - uint32(g), when(w.issued[g])}
	if g == w.replica.at.generations() {
		since.IssuedAt = rec.IssuedAt.Add(time.Second)
	}
	next := catchUp(rec, since, s.policy, now)
	move := reissuedAt(g)
	w.fallBack(move)
	if g == 0 {
		w.twin, w.issued[0], w.received = w.issued[0], ageOf(next.IssuedAt), ageOf(next.ReceivedAt)
		w.setWindow(next, s.onTime)
		w.replica = replica{}
	} else {
		w.replica.at, w.replica.told = behind(2*g), false
		w.replica.issued, w.replica.received = ageOf(next.IssuedAt), ageOf(next.ReceivedAt)
		w.setWindow(next, s.onTime)
	}
	return move(back)
}

// rotateCopy makes next the record, the child of a pair that was presented
// after a failover: of the newest one, as ever, or of the copy's own, whose
// child was lost and has a twin now.
func (w *model) rotateCopy(next Record, presented behind) {
	if presented.generations() == 0 {
		w.rotate(next)
		return
	}
	w.fallBack(reissuedAt(0))
	w.twin, w.issued[0], w.received, w.window = w.issued[0], ageOf(next.IssuedAt), ageOf(next.ReceivedAt), 0
	w.replica = replica{}
}

// twinLives: the access token of a pair that a failover has given a twin is as
// good as it was.
func (l *lives) twinLives(w *model) bool {
	return w.twin != never && w.jar == outdated && l[0][w.twin]
}
