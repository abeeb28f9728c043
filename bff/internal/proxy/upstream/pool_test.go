package upstream

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func mustParse(t testing.TB, text string) *route.Table {
	t.Helper()
	table, err := route.ParseTable([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestReloadKeepsTheStateOfUpstreamsThatStay(t *testing.T) {
	old := mustParse(t, "routes:\n  - {path: /api/x, upstreams: [http://a, http://b, http://c], health_path: /up}\n")
	for name, c := range map[string]struct {
		row  string
		down []bool
	}{
		"another order, one new": {"{path: /api/x, upstreams: [http://b, http://d, http://a], health_path: /up}", []bool{true, false, true}},
		"another health path":    {"{path: /api/x, upstreams: [http://a, http://b], health_path: /ready}", []bool{false, false}},
		"another scheme":         {"{path: /api/x, upstreams: [https://a, http://b], health_path: /up}", []bool{false, true}},
		"another row":            {"{path: /api/y, upstreams: [http://a, http://b], health_path: /up}", []bool{false, false}},
	} {
		tr := New(Options{Now: time.Now})
		before := tr.pools.of(old.Routes()[0])
		for _, u := range before.upstreams {
			u.downUntil.Store(1 << 62)
		}
		before.next.Store(7)
		next := mustParse(t, "routes:\n  - "+c.row+"\n")
		tr.Retire(old, next)
		after := tr.pools.of(next.Routes()[0])
		if turn, samePath := after.next.Load(), next.Routes()[0].Path == old.Routes()[0].Path; (turn == 7) != samePath {
			t.Errorf("%s: the turn is %d", name, turn)
		}
		var down []bool
		for _, u := range after.upstreams {
			down = append(down, u.downUntil.Load() > 0)
		}
		if !slices.Equal(down, c.down) {
			t.Errorf("%s: cooling down %v, want %v", name, down, c.down)
		}
	}
}

// What a table that is gone had is not kept, and a request that was let in by it
// still finds its upstreams.
func TestRetireForgetsTheStateOfWhatIsGone(t *testing.T) {
	tr := New(Options{Now: time.Now})
	old := mustTable(t, route.Config{Path: "/api/x", Upstreams: up(t)}, route.Config{Path: "/api/y", Upstreams: up(t)})
	next := mustTable(t, route.Config{Path: "/api/y", Upstreams: up(t)})
	tr.States(old)
	kept := tr.pools.of(old.Routes()[1]).upstreams[0]
	tr.Retire(old, next)
	if tr.pools.of(next.Routes()[0]).upstreams[0] != kept || len(tr.pools.upstreams) != 1 || len(tr.pools.turns) != 1 {
		t.Errorf("upstreams %v, turns %v", tr.pools.upstreams, tr.pools.turns)
	}
	if late := tr.pools.of(old.Routes()[0]); late.pick(time.Now, nil).host != "up:1" {
		t.Error("a late request has no upstream")
	}
	tr.Retire(next, next)
	routes := 0
	tr.pools.byRoute.Range(func(any, any) bool { routes++; return true })
	if routes != 1 || len(tr.pools.upstreams) != 1 || len(tr.pools.turns) != 1 {
		t.Errorf("%d routes, upstreams %v, turns %v", routes, tr.pools.upstreams, tr.pools.turns)
	}
}

func TestRoundRobinPassesOverTheUnreachable(t *testing.T) {
	clock := time.Unix(1000, 0)
	now := func() time.Time { return clock }
	table := mustTable(t, route.Config{Path: "/api/x", Upstreams: append(append(up(t), mustURL(t, "http://b")), mustURL(t, "http://c"))})
	var state pools
	rt := state.of(table.Routes()[0])
	counts := func(n int) map[string]int {
		m := map[string]int{}
		for range n {
			m[rt.pick(now, nil).host]++
		}
		return m
	}
	if m := counts(30); m["up:1"] != 10 || m["b"] != 10 || m["c"] != 10 {
		t.Errorf("not in turn: %v", m)
	}
	rt.upstreams[1].downUntil.Store(now().Add(coolDown).UnixNano())
	if m := counts(30); m["b"] != 0 {
		t.Errorf("asked the unreachable one: %v", m)
	}
	clock = clock.Add(coolDown)
	if m := counts(30); m["b"] != 10 {
		t.Errorf("not asked again: %v", m)
	}
	for _, u := range rt.upstreams {
		u.downUntil.Store(now().Add(time.Hour).UnixNano())
	}
	if m := counts(3); len(m) != 3 {
		t.Errorf("all down: %v", m)
	}
	for range 10 {
		if u := rt.pick(now, rt.upstreams[0]); u == rt.upstreams[0] {
			t.Error("the one that was tried")
		}
	}
}

func TestUnreachableUpstreamCoolsDown(t *testing.T) {
	var served atomic.Int64
	good := upstreamFunc(t, func(http.ResponseWriter, *http.Request) { served.Add(1) })
	h := newHarness(t, route.Config{}, good, deadUpstream(t))
	for range 10 {
		if status, err := h.send("POST", "x"); status != 200 {
			t.Fatal(status, err)
		}
	}
	if rt := h.pool(); served.Load() != 10 || rt.upstreams[1].downUntil.Load() == 0 || rt.upstreams[0].downUntil.Load() != 0 {
		t.Errorf("served %d, down until %d", served.Load(), rt.upstreams[1].downUntil.Load())
	}
}
