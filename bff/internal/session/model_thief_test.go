package session

import (
	"fmt"
	"math/bits"
	"testing"
)

// heist is a state with a thief in it: somebody who has copied cookies of the
// browser once, at any moment, and plays against it. Both act one after the
// other; that answers get lost is the browser's problem alone.
type heist struct {
	model
	taken   bool
	refresh pairs // of which the thief has the refresh token
	access  pairs // and the access token
}

// act is a step of a heist.
type act struct {
	who   string
	does  string
	back  behind
	inst  uint8
	clock clock
}

// pairs is a set: bit n is the pair that is n behind.
type pairs uint8

func (p pairs) have(b behind) bool { return p>>b&1 == 1 }

// fallBack moves each to where to says.
func (p pairs) fallBack(to func(behind) behind) (moved pairs) {
	for b := range forgotten + 1 {
		if p.have(b) {
			moved |= 1 << to(b)
		}
	}
	return moved
}

// newest is how many generations behind the newest is.
func (p pairs) newest() behind { return behind(bits.TrailingZeros8(uint8(p))) }

func (a act) String() string {
	switch a.who {
	case "time":
		if a.does != "" {
			return "it " + a.does
		}
		return step{op: pass, clock: a.clock}.String()
	case "thief":
		return fmt.Sprintf("thief %s %v", a.does, a.back)
	}
	return a.who + " " + a.does
}

// acts calls yield with everything that may happen next.
func (h *heist) acts(l *lives, changes bool, yield func(act)) {
	for _, does := range []string{"asks", "asks, answer lost", "renews", "renews, answer lost"} {
		yield(act{who: "victim", does: does})
	}
	if !h.taken {
		yield(act{who: "thief", does: "steals both cookies", back: h.jar})
		yield(act{who: "thief", does: "steals the refresh token", back: h.jar})
	}
	for back := range forgotten + 1 {
		if h.refresh.have(back) {
			yield(act{who: "thief", does: "renews with", back: back})
		}
		if h.access.have(back) && l.fresh(&h.model, back) {
			yield(act{who: "thief", does: "uses access", back: back})
		}
	}
	for inst, queued := range h.queued {
		if queued {
			yield(act{who: "worker", does: "writes the ack", inst: uint8(inst)})
		}
	}
	if h.window == anyTime {
		yield(act{who: "time", does: "settles"})
	}
	if changes {
		yield(act{who: "administrator", does: "changes the role"})
	}
	for c := tick; c <= hours; c++ {
		if h.passes(c, l) {
			yield(act{who: "time", clock: c})
		}
	}
}

// do carries an act out. The thief asks the instance at.
func (h *heist) do(s *server, a act, at uint8) (v verdict) {
	v.byAccess = true
	switch a.does {
	case "asks", "asks, answer lost":
		v = s.ask(&h.model, 0, h.jar)
	case "renews", "renews, answer lost":
		v = s.refresh(&h.model, 0, h.jar, just)
	case "steals both cookies":
		h.access |= 1 << a.back
		fallthrough
	case "steals the refresh token":
		h.taken, h.refresh = true, h.refresh|1<<a.back
	case "renews with":
		v = s.refresh(&h.model, at, a.back, just)
	case "uses access":
		v = s.useAccess(&h.model, at, a.back)
	case "writes the ack":
		s.writeAck(&h.model, a.inst)
	case "settles":
		h.window = 0
	case "changes the role":
		s.change(&h.model)
		h.fallBack(behind.reissued)
	default:
		h.pass(a.clock)
	}
	switch {
	case v.byAccess:
	case v.what == rotated:
		h.fallBack(behind.rotated)
	case v.what == reissued:
		h.fallBack(behind.reissued)
	}
	switch {
	case !v.cookies:
	case a.who == "thief":
		h.refresh, h.access = h.refresh|1, h.access|1
	case a.does == "asks" || a.does == "renews":
		h.jar = 0
	}
	return v
}

// fallBack moves what the thief has; the state has moved its own.
func (h *heist) fallBack(to func(behind) behind) {
	h.refresh, h.access = h.refresh.fallBack(to), h.access.fallBack(to)
}

// contract is the table for a refresh, used being when an access token of the
// current generation was.
func (h *heist) contract(s *server, back behind, used age) outcome {
	switch {
	case back == outdated:
		return replayed
	case back == current && h.window > 0 && (h.issued[0] == nearEnd || !s.lives.fresh(&h.model, current)):
		return reissued
	case back == current:
		return rotated
	case back.generations() == 1 && used == never:
		return replayed
	case back.generations() == 1 && used < late:
		return served
	}
	return stolen
}

// split: an access token of the current generation was used, and one of the
// two has no pair of it. That is what ends a theft, and the only thing that
// can: before it, both do what two tabs of one browser do.
func (h *heist) split() bool {
	return h.taken && h.used != never && (h.jar.generations() == 0) != (h.refresh.newest().generations() == 0)
}

// loses checks what "caught within one rotation" says, once they are split:
// whoever is behind ends the session for both with the first refresh that
// comes 15 s or more after the current generation's first use, or after one
// more rotation, however soon.
func (h *heist) loses(s *server) string {
	who, ahead, newest := "thief", "victim", h.refresh.newest()
	if h.jar.generations() != 0 {
		who, ahead, newest = "victim", "thief", h.jar
	}
	later := h.model
	for range 3 {
		later.pass(tick)
	}
	if v := s.refresh(&later, 0, newest, just); v.what != stolen {
		return fmt.Sprintf("split, and 15 s later the %s's refresh is %s", who, v)
	}
	overtaken := h.model
	v := s.refresh(&overtaken, 0, current, just)
	if v.what == reissued { // once, and then its access token is good
		v = s.refresh(&overtaken, 0, current, just)
	}
	if v.what != rotated {
		return fmt.Sprintf("the %s, who is ahead, is %s", ahead, v)
	}
	if v := s.refresh(&overtaken, 0, newest.rotated(), just); v.what != stolen {
		return fmt.Sprintf("split and stale, and the %s's refresh is %s", who, v)
	}
	return ""
}

// knows is when an instance takes the current pair to have been used first.
func (h *heist) knows(inst uint8) age {
	if h.received != never {
		return h.received
	}
	return h.seen[inst]
}

// robbery is a complete exploration with a thief.
type robbery struct {
	graph[heist, act]
	caught int // steps that end the session for both
	split  int // states in which one of them is doomed
	inStep int // states after a theft in which nobody is
	window int // outcomes that are owed to an ack not yet written
}

func (r *robbery) atLeast(t *testing.T, worlds, steps int) {
	t.Helper()
	t.Logf("%s\ncaught by %d steps; after a theft %d states are split, in %d the two are in step; %d outcomes owed to a late receipt",
		r.covered(), r.caught, r.split, r.inStep, r.window)
	if len(r.nodes) < worlds || r.edges < steps || r.caught == 0 || r.split == 0 || r.inStep == 0 {
		t.Errorf("the model has shrunk; it had %d states and %d steps", worlds, steps)
	}
}

func rob(t *testing.T, thiefAt uint8, used func(h *heist, inst uint8) age) *robbery {
	t.Helper()
	s, r := newServer(testPolicy), &robbery{}
	r.reach(heist{model: model{issued: [3]age{just}}}, -1, act{})
	for at := int32(0); int(at) < len(r.nodes) && !t.Failed(); at++ {
		here := r.nodes[at]
		here.acts(&s.lives, thiefAt == 0, func(a act) {
			next := here
			back, inst := a.back, thiefAt
			if a.who == "victim" {
				back, inst = here.jar, 0
			}
			v := next.do(s, a, thiefAt)
			if !v.byAccess {
				if want := here.contract(s, back, used(&here, inst)); v.what != want || v.fault != "" {
					t.Errorf("%s %s, want %s\n%s", v, v.fault, verdict{what: want}, r.schedule(at, a))
				}
				if v.what != here.contract(s, back, here.used) {
					r.window++
				}
			}
			if v.signedOut() {
				if !here.taken {
					t.Errorf("nobody has stolen anything, and the browser is signed out\n%s", r.schedule(at, a))
				}
				r.caught++ // for both: the record is gone
				return
			}
			if next.issued[0] < nearEnd {
				next.window = 0 // it will be over before the access token is
			}
			to, isNew := r.reach(next, at, a)
			r.join(at, to)
			switch {
			case !isNew || !next.taken:
			case next.split():
				r.split++
				for i, queued := range next.queued { // its moment has come
					if queued {
						s.writeAck(&next.model, uint8(i))
					}
				}
				if why := next.loses(s); why != "" {
					t.Errorf("%s\n%s", why, r.schedule(to, a))
				}
			default:
				r.inStep++
			}
		})
	}
	return r
}
