package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
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
		p := New(Options{PublicURL: mustURL(t, "https://gate.example")})
		before := p.pools.of(old.Routes()[0])
		for _, u := range before.upstreams {
			u.downUntil.Store(1 << 62)
		}
		before.next.Store(7)
		next := mustParse(t, "routes:\n  - "+c.row+"\n")
		p.Retire(old, next)
		after := p.pools.of(next.Routes()[0])
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

// What was chosen from the old table goes on with it: the row cannot change
// under a request.
func TestADecisionOutlivesItsTable(t *testing.T) {
	g := newGate(t, upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("old row")) }), nil)
	old, next := g.table.Load(), mustTable(t)
	d := old.Decide("GET", "/api/x", ann)
	g.proxy.Retire(old, next)
	w := httptest.NewRecorder()
	g.proxy.Forward(w, httptest.NewRequest("GET", "/api/x", nil), d, Call{Who: *ann, Caller: &caller{}})
	if w.Code != 200 || w.Body.String() != "old row" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRetireClosesIdleConnectionsToWhatIsGone(t *testing.T) {
	closed := make(chan struct{}, 8)
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	up.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	up.Start()
	defer up.Close()
	g := newGate(t, up.URL, nil)
	if res, _ := g.do(t, "GET", "/api/x", nil); res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	same := mustTable(t, route.Config{Path: "/api/elsewhere", Upstreams: g.table.Load().Routes()[0].Upstreams})
	g.proxy.Retire(g.table.Load(), same)
	select {
	case <-closed:
		t.Error("closed, though the upstream stays")
	default:
	}
	g.proxy.Retire(same, mustTable(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the connection to an upstream that is gone stays open")
	}
}

// What a table that is gone had is not kept, and a request that was let in by it
// still finds its upstreams.
func TestRetireForgetsTheStateOfWhatIsGone(t *testing.T) {
	p := New(Options{PublicURL: mustURL(t, "https://gate.example")})
	old := mustTable(t, route.Config{Path: "/api/x", Upstreams: up(t)}, route.Config{Path: "/api/y", Upstreams: up(t)})
	next := mustTable(t, route.Config{Path: "/api/y", Upstreams: up(t)})
	p.Upstreams(old)
	kept := p.pools.of(old.Routes()[1]).upstreams[0]
	p.Retire(old, next)
	if p.pools.of(next.Routes()[0]).upstreams[0] != kept || len(p.pools.upstreams) != 1 || len(p.pools.turns) != 1 {
		t.Errorf("upstreams %v, turns %v", p.pools.upstreams, p.pools.turns)
	}
	if late := p.pools.of(old.Routes()[0]); late.pick(time.Now, nil).host != "up:1" {
		t.Error("a late request has no upstream")
	}
	p.Retire(next, next)
	routes := 0
	p.pools.byRoute.Range(func(any, any) bool { routes++; return true })
	if routes != 1 || len(p.pools.upstreams) != 1 || len(p.pools.turns) != 1 {
		t.Errorf("%d routes, upstreams %v, turns %v", routes, p.pools.upstreams, p.pools.turns)
	}
}
