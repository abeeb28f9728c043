package session

import (
	"math/rand/v2"
	"time"
)

// ModelEvent is what a schedule of the model does to the servers, for tests
// that hold the real Service to it. Pairs are numbered from sign-in: a new
// generation makes one, and so does a new date.
type ModelEvent struct {
	Kind     string // ask, write, forget, change, pass
	Instance int
	Clock    string // of a pass: tick, tick to end, edge, end, hours

	// Of an ask: the pair that it carries; whether the answer is lost on the
	// way; what it leads to; the pair in the answer, 0 for none.
	Carries int
	Lost    bool
	Outcome string
	Brings  int
}

// minted are the pairs of each generation so far, the first and the last of
// each: what is in between differs from the first in nothing.
type minted struct {
	newest      int
	generations [][2]int
}

func (m *minted) rotate() {
	m.newest++
	m.generations = append(m.generations, [2]int{m.newest, m.newest})
}

func (m *minted) reissue() {
	m.newest++
	m.generations[len(m.generations)-1][1] = m.newest
}

// number gives a pair. Forgotten ones are two generations behind at least.
func (m *minted) number(b behind) int {
	g := m.generations[len(m.generations)-1-int(b.generations())]
	return g[1-b%2]
}

// Outcomes of an ask, as the model names them.
const (
	ModelByAccess = "by access token"
	ModelServed   = "served"
	ModelStolen   = "stolen"
)

// ModelSchedule draws a schedule of a browser with four tabs on two instances.
// With a thief, it ends with somebody presenting what is not of this browser.
func ModelSchedule(seed uint64, steps int, thief bool) []ModelEvent {
	r := rand.New(rand.NewPCG(seed, 0))
	b := browser{tabs: maxTabs, instances: instances, changes: true, policy: testPolicy}
	x := &walk{browser: b, server: newServer(testPolicy), beyond: map[string]int{}}
	x.server.onTime = true
	w, made := model{issued: [3]age{just}}, minted{newest: 1, generations: [][2]int{{1, 1}}}
	var events []ModelEvent
	for range steps {
		var moves []step
		x.moves(&x.server.lives, &w, func(st step) {
			if r.IntN(oneIn(st)) > 0 || st.op == pass && st.clock == tick && w.issued[0] == nearEnd {
				return // a real clock comes to the end
			}
			moves = append(moves, st)
		})
		if len(moves) == 0 {
			continue
		}
		st := moves[r.IntN(len(moves))]
		carries := made.number(st.m.back)
		v := x.do(x.server, &w, st)
		switch st.op {
		case arrive, repeat:
			events = append(events, asked(st, carries, &made, v))
		case write, forget:
			events = append(events, ModelEvent{Kind: [...]string{write: "write", forget: "forget"}[st.op], Instance: int(st.inst)})
		case change:
			made.reissue()
			events = append(events, ModelEvent{Kind: "change", Brings: made.newest})
		case pass:
			events = append(events, ModelEvent{Kind: "pass", Clock: [...]string{"tick", "tick to end", "edge", "end", "hours"}[st.clock]})
		}
		x.dropBeyond(&w, 0, st)
	}
	if thief && len(made.generations) > 2 { // two generations behind is never within the parent grace
		st := step{op: arrive, inst: uint8(r.IntN(instances))}
		events = append(events, asked(st, made.number(4), &made, verdict{what: stolen}))
	}
	return events
}

// ModelAccessEnd is when the access token of a record's pair expires.
func ModelAccessEnd(rec Record) time.Time { return accessEnd(rec, testPolicy.AccessTTL) }

// oneIn weighs the moves, so that a sample has some of everything: late
// requests above all, which need others to be quicker.
func oneIn(st step) int {
	switch {
	case st.op == repeat || st.op == lose || st.op == forget || st.op == change || st.op == pass && !st.clock.short():
		return 8
	case st.op == arrive && st.m.back > 0 || st.op == pass:
		return 4
	}
	return 1
}

func asked(st step, carries int, made *minted, v verdict) ModelEvent {
	switch {
	case v.byAccess:
	case v.what == rotated:
		made.rotate()
	case v.what == reissued:
		made.reissue()
	}
	e := ModelEvent{Kind: "ask", Instance: int(st.inst), Carries: carries, Lost: st.op == repeat, Outcome: v.String()}
	if v.cookies {
		e.Brings = made.newest
	}
	return e
}
