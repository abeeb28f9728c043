package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// What the contract assumes of the network between one browser and us. Within
// it nobody may ever be signed out; beyond it the walk measures what happens,
// and goes no further.
//
//   - A request is handled less than parentGrace after the first use of the
//     child of its generation. Without a use it may take any time: hours.
//   - A request is not overtaken by two rotations.
//   - An answer's cookies reach the jar before those of a later generation.
//
// TestModelPromptMessages asks how much of that follows from less.
func (x *walk) dropBeyond(w *model, from int32, st step) {
	for i := range w.flight {
		m := &w.flight[i]
		why, met := "", ""
		switch {
		case x.prompt && m.age == late:
			*m = message{}
		case m.what == answer && m.back == w.jar && !x.prompt:
			*m = message{} // the jar has these very cookies
		case m.what == answer && m.back.generations() > w.jar.generations():
			why = "an answer that a later generation's has overtaken"
			met = x.rolledBack(*w, m.back)
		case m.what == answer, m.what == idle, m.what == request && x.server.lives.fresh(w, m.back):
			// The answer is as good as when it was sent; nothing under way; no
			// matter how late, its access token is enough.
		case m.back.generations() > 1:
			why = "a request that two rotations have overtaken"
		case m.back.generations() == 1 && w.used == late && m.what != arrived:
			why = "a request 15 s or more after the first use of its child"
		}
		if why == "" {
			continue
		}
		if met == "" {
			beyond := *w
			v := x.server.refresh(&beyond, m.inst, m.back, just)
			if x.prompt && !v.signedOut() {
				continue
			}
			met = v.String()
		}
		x.beyond[why+": "+met]++
		if x.prompt && x.holes[why] == "" {
			x.holes[why] = x.schedule(from, st)
		}
		*m = message{}
	}
}

// report logs what was covered and holds it to a minimum, so that the proof
// cannot shrink unnoticed.
func (x *walk) report(t *testing.T, worlds, steps int) {
	t.Helper()
	var s strings.Builder
	fmt.Fprintln(&s, x.covered())
	for _, counts := range []map[string]int{x.met, x.beyond} {
		for _, k := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&s, "%9d × %s\n", counts[k], k)
		}
	}
	t.Log(s.String())
	if len(x.nodes) < worlds || x.edges < steps {
		t.Errorf("the model has shrunk: %d states and %d steps, it had %d and %d", len(x.nodes), x.edges, worlds, steps)
	}
	for _, must := range []string{"by access token", "rotated", "redated", "replayed", "served"} {
		if x.met[must] == 0 && (must != "served" || x.tabs > 1) { // one tab is not late
			t.Errorf("no request was ever %s: the walk proves nothing about it", must)
		}
	}
}

// rolledBack says what becomes of a browser whose jar gets an older pair, when
// the newer one has been used in between or is before the answer comes.
func (x *walk) rolledBack(w model, back behind) string {
	if x.server.lives.fresh(&w, 0) {
		x.server.useAccess(&w, 0, 0)
	}
	w.jar = back
	if x.server.stranded(&w, x.instances) != "" {
		return "the browser is stranded"
	}
	return "the browser goes on"
}
