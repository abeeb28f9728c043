package session

import "fmt"

// graph is all that can be reached, W being a state and S a step. Walking it
// once covers schedules of any length: a sequence of steps never leaves it.
type graph[W comparable, S fmt.Stringer] struct {
	nodes []W
	index map[W]int32
	from  []int32 // where each node was first reached from
	by    []S
	next  [][]int32
	edges int
}

// reach gives the number of w, and whether it is new.
func (g *graph[W, S]) reach(w W, from int32, by S) (int32, bool) {
	if i, known := g.index[w]; known {
		return i, false
	}
	if g.index == nil {
		g.index = map[W]int32{}
	}
	i := int32(len(g.nodes))
	g.index[w] = i
	g.nodes = append(g.nodes, w)
	g.from, g.by, g.next = append(g.from, from), append(g.by, by), append(g.next, nil)
	return i, true
}

func (g *graph[W, S]) join(from, to int32) {
	g.edges++
	g.next[from] = append(g.next[from], to)
}

// schedule tells how a node was reached, and the step that followed.
func (g *graph[W, S]) schedule(at int32, last S) string {
	s := fmt.Sprintf("  %s\nin: %v", last, g.nodes[at])
	for ; g.from[at] >= 0; at = g.from[at] {
		s = fmt.Sprintf("  %s\n", g.by[at]) + s
	}
	return s
}

// schedules counts the different sequences of 1 to n steps.
func (g *graph[W, S]) schedules(n int) float64 {
	at, then := make([]float64, len(g.nodes)), make([]float64, len(g.nodes))
	at[0] = 1
	total := 0.0
	for range n {
		clear(then)
		for i, ways := range at {
			if ways > 0 {
				for _, j := range g.next[i] {
					then[j] += ways
					total += ways
				}
			}
		}
		at, then = then, at
	}
	return total
}

// covered is one line for the test's log.
func (g *graph[W, S]) covered() string {
	return fmt.Sprintf("%d worlds, %d steps; schedules of up to 20 steps: %.1e, all of any length covered", len(g.nodes), g.edges, g.schedules(20))
}
