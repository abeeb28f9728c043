package auth

import "math/rand/v2"

// ModelEvent is what a schedule of the model does to the servers, for tests
// that hold the real Service to it. Generations are counted from sign-in.
type ModelEvent struct {
	Kind     string // ask, write, forget, pass
	Instance int
	Clock    string // of a pass: tick, edge, end, hours

	// Of an ask: the generation of the cookies that it carries; whether the
	// answer is lost on the way; what it leads to; the generation of the
	// cookies in the answer, 0 for none.
	Carries uint32
	Lost    bool
	Outcome string
	Brings  uint32
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
	b := browser{tabs: maxTabs, instances: instances, policy: testPolicy}
	x := &walk{browser: b, server: newServer(testPolicy), beyond: map[string]int{}}
	w, current := world{issued: [3]age{just}}, uint32(1)
	var events []ModelEvent
	for range steps {
		var moves []step
		x.moves(&x.server.lives, &w, func(st step) {
			if r.IntN(oneIn(st)) > 0 {
				return
			}
			moves = append(moves, st)
		})
		if len(moves) == 0 {
			continue
		}
		st := moves[r.IntN(len(moves))]
		carries := current - uint32(st.m.back)
		v := x.do(x.server, &w, st)
		switch st.op {
		case arrive, repeat:
			events = append(events, asked(st, carries, &current, v))
		case write, forget:
			events = append(events, ModelEvent{Kind: [...]string{write: "write", forget: "forget"}[st.op], Instance: int(st.inst)})
		case pass:
			events = append(events, ModelEvent{Kind: "pass", Clock: [...]string{"tick", "edge", "end", "hours"}[st.clock]})
		}
		x.dropBeyond(&w, 0, st)
	}
	if thief && current > 2 { // two generations behind is never late traffic
		st := step{op: arrive, inst: uint8(r.IntN(instances))}
		events = append(events, asked(st, current-2, &current, verdict{what: stolen}))
	}
	return events
}

// oneIn weighs the moves, so that a sample has some of everything: late
// requests above all, which need others to be quicker.
func oneIn(st step) int {
	switch {
	case st.op == repeat || st.op == lose || st.op == forget || st.op == pass && st.clock != tick:
		return 8
	case st.op == arrive && st.m.back > 0 || st.op == pass:
		return 4
	}
	return 1
}

func asked(st step, carries uint32, current *uint32, v verdict) ModelEvent {
	if v.what == rotated && !v.byAccess {
		*current++
	}
	e := ModelEvent{Kind: "ask", Instance: int(st.inst), Carries: carries, Lost: st.op == repeat, Outcome: v.String()}
	if v.cookies {
		e.Brings = *current
	}
	return e
}
