package auth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The model of one session, small enough to be walked through completely.
//
// A world is everything that decides what can happen next: the stored record,
// what each instance has proof of, the browser's cookie jar, and the messages
// under way. Generations are counted backwards from the record's, and times
// are ages in a few classes, so that worlds which differ in nothing that
// matters are one world. That makes their number finite although schedules may
// be of any length: no walk is cut off.
type world struct {
	issued   [3]age          // when the current generation and the two before it were minted
	received age             // the record's proof of receipt
	seen     [instances]age  // each instance's own proof of it
	queued   [instances]bool // and whether its worker still has to write it
	used     age             // what really was the current access token's first use: known to the model only
	jar      uint8           // generations behind the record
	flight   [maxTabs]message
}

const (
	maxTabs   = 4
	instances = 2
)

// message is a tab's request or the answer to it.
type message struct {
	what kind
	back uint8 // generation of its cookies, backwards from the record's
	age  age   // since it was sent; of an arrived one: since the server read the clock
	inst uint8 // of an arrived one
}

type kind uint8

const (
	idle    kind = iota
	request      // any request to us: renewed on the way when its access token is expired
	renewal      // POST /api/auth/refresh, which renews a fresh one too
	arrived      // at an instance, which has read the clock and not yet the record
	answer       // with new cookies; one without changes nothing and is not modelled
)

// age is a class of time passed.
type age uint8

const (
	never age = iota
	just
	fiveAgo
	tenAgo
	late    // the window of late traffic is over; for all but issued, any longer time too
	nearEnd // of a pair: its access token is about to expire
	expired // of a pair: the access token has expired
	old     // of a pair: hours ago
)

// ago is what the code under test is shown. With the jitter of up to 5 % an
// access token of testPolicy lives between 14:14 and 15:00.
var ago = [...]time.Duration{
	just: 0, fiveAgo: 5 * time.Second, tenAgo: 10 * time.Second, late: 15 * time.Second,
	nearEnd: 14*time.Minute + 10*time.Second, expired: 15 * time.Minute, old: 8 * time.Hour,
}

const (
	modelGeneration = 1000
	ancient         = 3 // generations behind: as far as the model tells them apart
)

// modelNow is the present of every world.
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
	for a := just; a <= old; a++ {
		if when(a).Equal(t) {
			return a
		}
	}
	panic("a time that the model does not know: " + modelNow.Sub(t).String())
}

// record is the stored session of this world.
func (w *world) record() Session { return w.minted(0) }

// minted is the record as of an earlier generation.
func (w *world) minted(back uint8) Session {
	rec := Session{
		ID: "S", UserID: "U", Generation: modelGeneration - uint32(back), Version: 7,
		CreatedAt: t0.Add(-time.Hour), AbsoluteEnd: t0.Add(testPolicy.SessionMaxAge), IssuedAt: when(w.issued[back]),
	}
	rec.IdleEnd = rec.IssuedAt.Add(testPolicy.RefreshTTL)
	if back == 0 {
		rec.ReceivedAt = when(w.received)
	}
	return rec
}

// lives says, of a generation so far behind and minted so long ago, whether
// its access token has not expired.
type lives [ancient][old + 1]bool

func livesUnder(p Policy) (l lives) {
	for back := range l {
		for a := just; a <= old; a++ {
			w := world{}
			w.issued[back] = a
			l[back][a] = modelNow.Before(accessEnd(w.minted(uint8(back)), p.AccessTTL))
		}
	}
	return l
}

// fresh reports whether the access token of a generation has not expired.
func (l *lives) fresh(w *world, back uint8) bool { return back < ancient && l[back][w.issued[back]] }

// pairOf is what mint makes of a record: two pairs are the same bytes exactly
// if these are equal (the token room's tests hold that up).
type pairOf struct {
	generation                          uint32
	issued, accessEnd, idleEnd, lastEnd time.Time
	remember                            bool
}

func pair(rec Session, p Policy) pairOf {
	return pairOf{rec.Generation, rec.IssuedAt, accessEnd(rec, p.AccessTTL), rec.IdleEnd, rec.AbsoluteEnd, rec.Remember}
}

// rotate makes next the record: everything else falls one generation back.
func (w *world) rotate(next Session) {
	w.issued = [3]age{ageOf(next.IssuedAt), min(w.issued[0], expired), min(w.issued[1], expired)}
	w.received = ageOf(next.ReceivedAt)
	w.seen, w.queued, w.used = [instances]age{}, [instances]bool{}, never
	w.jar = min(w.jar+1, ancient)
	for i := range w.flight {
		if m := &w.flight[i]; m.what != idle {
			m.back = min(m.back+1, ancient)
		}
	}
}

// clock is how far the time is moved on at once.
type clock uint8

const (
	tick   clock = iota // 5 s: within the window of late traffic
	toEdge              // until the current access token is about to expire
	toEnd               // until it has expired
	hours               // the laptop was closed
)

// passes reports whether moving on so far makes a difference at all.
func (w *world) passes(c clock, l *lives) bool {
	switch c {
	case tick:
		return true
	case hours:
		return w.issued[0] < old
	default:
		return l.fresh(w, 0) && (c == toEnd || w.issued[0] < nearEnd)
	}
}

// pass moves the time on.
func (w *world) pass(c clock) {
	for i, a := range w.issued {
		switch {
		case a == never:
		case c == tick && a == nearEnd:
			w.issued[i] = expired
		case c == tick:
			w.issued[i] = older(a)
		case c == toEdge && i == 0:
			w.issued[i] = nearEnd
		case c == hours && i == 0:
			w.issued[i] = old
		default: // an older pair expires no later
			w.issued[i] = max(a, expired)
		}
	}
	w.received, w.used = aged(w.received, c), aged(w.used, c)
	for i := range w.seen {
		w.seen[i] = aged(w.seen[i], c)
	}
	for i := range w.flight {
		m := &w.flight[i]
		switch {
		case m.what == arrived && (c != tick || m.age != just):
			*m = message{} // rotateTimeout is over: 503, and nothing has changed
		case m.what != idle:
			m.age = aged(m.age, c)
		}
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
	case c == tick:
		return older(a)
	default:
		return late
	}
}

// sort makes worlds alike that differ in names only: of tabs, of instances.
func (w *world) sort() {
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
	return [...]string{"idle", "request", "renewal", "arrived", "answer"}[k]
}

func (w world) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "issued %v received %v seen %v queued %v used %v jar -%d", w.issued, w.received, w.seen, w.queued, w.used, w.jar)
	for _, m := range w.flight {
		if m.what != idle {
			fmt.Fprintf(&s, " [%s -%d %s]", m.what, m.back, m.age)
		}
	}
	return s.String()
}
