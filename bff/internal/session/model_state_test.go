package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The model of one session, small enough to be walked through completely.
//
// A state is everything that decides what can happen next: the stored record,
// what each instance has proof of, the browser's cookie jar, and the messages
// under way. Generations are counted backwards from the record's, and times
// are ages in a few classes, so that states which differ in nothing that
// matters are one state. That makes their number finite although schedules may
// be of any length: no walk is cut off.
type model struct {
	issued   [3]age          // when the current generation's pair and those of the two before it were minted
	window   uint8           // ticks until the record's ReissueUntil, or anyTime
	received age             // the record's proof of ack
	seen     [instances]age  // each instance's own proof of it
	queued   [instances]bool // and whether its worker still has to write it
	used     age             // what really was the current access token's first use: known to the model only
	jar      behind
	flight   [maxTabs]message

	replica   replica
	announced behind // the newest pair that a change of the account has announced, while that matters
	twin      age    // of the pair that a failover has put another of its generation in place of
}

// anyTime is a ReissueUntil that may pass at any moment: fewer states than one
// that passes on time, and all that can happen then.
const anyTime = 255

// message is a tab's request or the answer to it.
type message struct {
	what kind
	back behind // its cookies
	age  age    // since it was sent; of an arrived one: since the server read the clock
	inst uint8  // of an arrived one
}

type kind uint8

const (
	idle            kind = iota
	request              // any request to us: refreshed on the way when its access token is expired
	explicitRefresh      // POST /api/auth/refresh, which refreshes a fresh one too
	arrived              // at an instance, which has read the clock and not yet the record
	answer               // with new cookies; one without changes nothing and is not modelled
)

// age is a class of time passed.
type age uint8

const (
	never age = iota
	just
	fiveAgo
	tenAgo
	late    // the parent grace is over; for all but issued, any longer time too
	nearEnd // of a pair: its access token is about to expire, within the reissue window
	expired // of a pair: the access token has expired
	old     // of a pair: hours ago
)

// ago is what the code under test is shown.
var ago = [...]time.Duration{
	just: 0, fiveAgo: tickLength, tenAgo: 2 * tickLength, late: parentGrace,
	nearEnd: accessLife() - 4*time.Second, expired: 15 * time.Minute, old: 8 * time.Hour,
}

const (
	modelGeneration = 1000
	tickLength      = 5 * time.Second
)

// accessLife is testPolicy's with the jitter of the current generation.
func accessLife() time.Duration {
	rec := record(modelGeneration)
	return accessEnd(rec, testPolicy.AccessTTL).Sub(rec.IssuedAt)
}

// modelNow is the present of every state.
var modelNow = t0.Add(24 * time.Hour)

func when(a age) time.Time { return moments[a] }

var moments = func() (at [old + 1]time.Time) {
	for a := just; a <= old; a++ {
		at[a] = modelNow.Add(-ago[a])
	}
	return at
}()

// ageOf reads a time that the code under test has written.
func ageOf(t time.Time) age {
	if t.IsZero() {
		return never
	}
	if t.After(modelNow) {
		return just // of two pairs of one second the second is dated a second later
	}
	for a := just; a <= old; a++ {
		if when(a).Equal(t) {
			return a
		}
	}
	panic("a time that the model does not know: " + modelNow.Sub(t).String())
}

// record is the stored session of this state.
func (w *model) record() Record {
	if w.replica.state == tookOver {
		return w.copied()
	}
	return w.minted(0)
}

// minted is the record as of an earlier generation.
func (w *model) minted(generations uint8) Record {
	rec := Record{
		ID: "S", UserID: "U", Generation: modelGeneration - uint32(generations), Version: 7,
		CreatedAt: t0.Add(-time.Hour), AbsoluteEnd: t0.Add(testPolicy.SessionMaxAge), IssuedAt: when(w.issued[generations]),
	}
	rec.IdleEnd = rec.IssuedAt.Add(testPolicy.RefreshTTL)
	if generations == 0 {
		rec.ReceivedAt, rec.ReissueUntil = when(w.received), windowEnd(w.window)
	}
	return rec
}

func windowEnd(ticks uint8) (at time.Time) {
	switch {
	case ticks == anyTime:
		return modelNow.Add(tickLength)
	case ticks > 0:
		return modelNow.Add(time.Duration(ticks) * tickLength)
	}
	return at
}

// rotate makes next the record: everything else falls one generation back.
func (w *model) rotate(next Record) {
	w.window, w.twin = 0, never
	if w.replica.state == tookOver {
		w.replica = replica{}
	}
	w.issued = [3]age{ageOf(next.IssuedAt), min(w.issued[0], expired), min(w.issued[1], expired)}
	w.received = ageOf(next.ReceivedAt)
	w.seen, w.queued, w.used = [instances]age{}, [instances]bool{}, never
	w.fallBack(behind.rotated)
}

// reissue makes next, of the same generation, the record: with the ack that
// only the instance knew of until then.
func (w *model) reissue(next Record) {
	if w.replica.state == tookOver { // its pair stays the newest of its generation
		w.replica.issued, w.replica.received = ageOf(next.IssuedAt), ageOf(next.ReceivedAt)
		w.fallBack(reissuedAt(w.replica.at.generations()))
		w.replica.at &^= 1
		return
	}
	w.twin = never
	w.issued[0], w.received = ageOf(next.IssuedAt), ageOf(next.ReceivedAt)
	w.fallBack(behind.reissued)
}

func (w *model) fallBack(to func(behind) behind) {
	w.jar = to(w.jar)
	if w.replica.state != inStep {
		w.replica.at = to(w.replica.at)
		w.announced = to(w.announced)
	}
	for i := range w.flight {
		if m := &w.flight[i]; m.what != idle {
			m.back = to(m.back)
		}
	}
}

// setWindow notes a ReissueUntil. It matters while the access token is dying only.
func (w *model) setWindow(next Record, onTime bool) {
	left := next.ReissueUntil.Sub(modelNow)
	window := &w.window
	if w.replica.state == tookOver {
		window = &w.replica.window
	}
	switch {
	case left <= 0:
		*window = 0
	case onTime:
		*window = uint8(left / tickLength)
	default:
		*window = anyTime
	}
}

// sort makes states alike that differ in names only: of tabs, of instances; or
// in a ReissueUntil that will be over before the access token is.
func (w *model) sort() {
	if w.issued[0] < nearEnd {
		w.window = 0
	}
	w.keepUp()
	if a, b := w.seen[0], w.seen[1]; a < b || a == b && !w.queued[0] && w.queued[1] {
		w.seen[0], w.seen[1] = b, a
		w.queued[0], w.queued[1] = w.queued[1], w.queued[0]
		for i := range w.flight {
			if m := &w.flight[i]; m.what == arrived {
				m.inst = 1 - m.inst
			}
		}
	}
	slices.SortFunc(w.flight[:], func(a, b message) int {
		return cmp.Or(cmp.Compare(b.what, a.what), cmp.Compare(a.back, b.back), cmp.Compare(a.age, b.age), cmp.Compare(a.inst, b.inst))
	})
}

func (a age) String() string {
	return [...]string{"-", "0s", "5s", "10s", "15s+", "edge", "expired", "hours"}[a]
}

func (k kind) String() string {
	return [...]string{"idle", "request", "refresh", "arrived", "answer"}[k]
}

func (w model) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "issued %v settles %d received %v seen %v queued %v used %v jar %v", w.issued, w.window, w.received, w.seen, w.queued, w.used, w.jar)
	if w.replica.state != inStep || w.twin != never {
		fmt.Fprintf(&s, " replica %+v announced %v twin %v", w.replica, w.announced, w.twin)
	}
	for _, m := range w.flight {
		if m.what != idle {
			fmt.Fprintf(&s, " [%s %v %s]", m.what, m.back, m.age)
		}
	}
	return s.String()
}
