package session

import (
	"fmt"
	"testing"
)

// browser is one browser on one deployment: which freedoms a walk has.
type browser struct {
	tabs      int
	instances int
	// prompt: every message arrives in less than 15 s or is lost.
	prompt bool
	// clockApart lets time and other requests pass between a request's reading
	// of the clock and of the record.
	clockApart bool
	// refreshes lets tabs call POST /api/auth/refresh while the access token is
	// fresh.
	refreshes bool
	// changes lets somebody change the user's role at any moment.
	changes bool
	// failover lets a replica that lags take over from the store.
	failover bool
	policy   Policy
}

func (b browser) String() string {
	return fmt.Sprintf("%d tabs, refreshes %v, changes %v, failover %v", b.tabs, b.refreshes, b.changes, b.failover)
}

// step is one move of a schedule. The message is named by its content, for
// tabs have no names.
type step struct {
	op    op
	m     message
	inst  uint8
	clock clock
}

type op uint8

const (
	send       op = iota // a tab sends a request with the jar's cookies of the moment
	arrive               // an instance takes a request
	repeat               // it does, the answer is lost, and the same request is still to come again
	decided              // an arrived request is decided
	deliver              // an answer's cookies reach the jar
	lose                 // a message is lost, or its tab has gone
	write                // an instance's worker stores its ack
	forget               // or fails to, or its process ends
	change               // the user's role
	windowOver           // anyTime is now
	pass                 // time
	lag                  // the replica hears of nothing any more
	failOver             // and takes over
	useTwin              // a request with the access token of a pair that has a twin
)

func (s step) String() string {
	switch s.op {
	case pass:
		return [...]string{"5 s pass", "5 s pass, the access token expires", "the access token is about to expire", "the access token expires", "hours pass"}[s.clock]
	case change:
		return "the role changes"
	case windowOver:
		return "it has settled"
	case lag:
		return "the replica stops hearing of its master"
	case failOver:
		return "the replica takes over"
	case useTwin:
		return "a request with the access token of before the failover"
	case write, forget:
		return fmt.Sprintf("instance %d %s its ack", s.inst, [...]string{write: "writes", forget: "forgets"}[s.op])
	}
	name := [...]string{"send", "arrive", "repeat", "decide", "deliver", "lose"}[s.op]
	return fmt.Sprintf("%s %s %v (%s old) at %d", name, s.m.what, s.m.back, s.m.age, s.inst)
}

// moves calls yield with every step that a state allows.
func (b *browser) moves(l *lives, w *model, yield func(step)) {
	free := true
	for i := range b.tabs {
		m := w.flight[i]
		if i > 0 && m == w.flight[i-1] && m.what != idle {
			continue // the same again, from another tab
		}
		switch m.what {
		case idle:
			if !free {
				continue
			}
			free = false
			yield(step{op: send, m: message{what: request, back: w.jar, age: just}})
			if b.refreshes {
				yield(step{op: send, m: message{what: explicitRefresh, back: w.jar, age: just}})
			}
		case request, explicitRefresh:
			for inst := range uint8(b.instances) {
				yield(step{op: arrive, m: m, inst: inst})
				yield(step{op: repeat, m: m, inst: inst})
			}
			yield(step{op: lose, m: m})
		case arrived:
			yield(step{op: decided, m: m, inst: m.inst})
		case answer:
			yield(step{op: deliver, m: m})
			yield(step{op: lose, m: m})
		}
	}
	for inst := range uint8(b.instances) {
		if w.queued[inst] {
			yield(step{op: write, inst: inst})
			yield(step{op: forget, inst: inst})
		}
	}
	if b.changes && w.replica.state != tookOver {
		yield(step{op: change})
	}
	if w.window == anyTime || w.replica.window == anyTime {
		yield(step{op: windowOver})
	}
	if b.failover && w.mayLag() {
		yield(step{op: lag})
	}
	if w.mayFail() {
		yield(step{op: failOver})
	}
	if l.twinLives(w) {
		yield(step{op: useTwin})
	}
	for c := tick; c <= hours; c++ {
		if w.passes(c, l) {
			yield(step{op: pass, clock: c})
		}
	}
}

// do carries a step out on w.
func (b *browser) do(s *server, w *model, st step) (v verdict) {
	v.byAccess = true // unless something is decided
	m := &message{}
	for i := range w.flight {
		if w.flight[i] == st.m || st.op == send && w.flight[i].what == idle {
			m = &w.flight[i]
			break
		}
	}
	switch st.op {
	case send:
		*m = st.m
	case arrive, repeat:
		v = b.take(s, w, m, st)
	case decided:
		came := *m
		*m = message{}
		v = s.refresh(w, came.inst, came.back, came.age)
		b.reply(m, v)
	case deliver:
		w.jar = m.back
		*m = message{}
	case lose:
		*m = message{}
	case write:
		s.writeAck(w, st.inst)
	case forget:
		w.seen[st.inst], w.queued[st.inst] = never, false
	case change:
		s.change(w)
	case windowOver:
		w.window, w.replica.window = 0, 0
	case lag:
		w.lag()
	case failOver:
		w.failOver()
	case useTwin:
		s.useAccess(w, st.inst, current)
	case pass:
		w.pass(st.clock)
	}
	return v
}

func (b *browser) take(s *server, w *model, m *message, st step) (v verdict) {
	back := m.back
	if st.op == arrive {
		*m = message{}
	}
	switch {
	case m.what != explicitRefresh && st.m.what == request && s.lives.fresh(w, back):
		return s.useAccess(w, st.inst, back)
	case st.op == arrive && b.clockApart:
		*m = message{what: arrived, back: back, age: just, inst: st.inst}
		return verdict{byAccess: true}
	}
	v = s.refresh(w, st.inst, back, just)
	if st.op == arrive {
		b.reply(m, v)
	}
	return v
}

// reply puts the answer on its way, in the place of the request.
func (b *browser) reply(m *message, v verdict) {
	if v.cookies {
		*m = message{what: answer, back: v.brings, age: just}
	}
}

// walk is a complete exploration.
type walk struct {
	browser
	graph[model, step]
	server *server
	faults []string
	// beyond counts what messages outside of the contract's assumptions met.
	beyond map[string]int
	// holes are messages beyond them although they were prompt, each with the
	// first schedule that leads there.
	holes map[string]string
	// met counts the outcomes within them.
	met map[string]int
	// Of steps that decide something after a failover.
	afterFailover, repaired, twins int
}

// explore visits every state that can be reached from a fresh sign-in.
func (b browser) explore(t *testing.T) *walk {
	t.Helper()
	x := &walk{browser: b, server: newServer(b.policy), beyond: map[string]int{}, met: map[string]int{}, holes: map[string]string{}}
	x.server.onTime = b.prompt
	x.reach(model{issued: [3]age{just}}, -1, step{})
	for at := int32(0); int(at) < len(x.nodes) && len(x.faults) < 3; at++ {
		here := x.nodes[at]
		x.moves(&x.server.lives, &here, func(st step) {
			next := here
			v := x.do(x.server, &next, st)
			if st.op == arrive || st.op == repeat || st.op == decided {
				x.met[v.String()]++
			}
			if here.replica.state == tookOver && !v.byAccess {
				x.afterFailover++
				if here.replica.told {
					x.repaired++
				}
				if here.twin == never && next.twin != never {
					x.twins++
				}
			}
			switch {
			case v.fault != "":
				x.fail(at, st, v.fault)
			case v.signedOut():
				x.fail(at, st, "the browser is signed out: "+v.String())
			case next.jar > here.jar && here.replica.state != tookOver && !v.byAccess && v.what != rotated && v.what != reissued:
				x.fail(at, st, "the jar is rolled back")
			default:
				x.file(next, at, st)
			}
		})
	}
	for _, f := range x.faults {
		t.Error(f)
	}
	return x
}

// file notes the state that a step led to and checks it when it is new.
func (x *walk) file(w model, from int32, st step) {
	x.dropBeyond(&w, from, st)
	w.sort()
	to, isNew := x.reach(w, from, st)
	x.join(from, to)
	if !isNew {
		return
	}
	if why := x.server.stranded(&w, x.instances); why != "" {
		x.fail(to, step{op: pass, clock: hours}, why)
	}
}

func (x *walk) fail(at int32, last step, why string) {
	if len(x.faults) < 3 {
		x.faults = append(x.faults, why+"\n"+x.schedule(at, last))
	}
}
