package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// What was chosen from the old table goes on with it: the row cannot change
// under a request.
func TestADecisionOutlivesItsTable(t *testing.T) {
	g := newGate(t, upstreamFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("old row")) }), nil)
	old, next := g.table.Load(), mustTable(t)
	d := old.Decide("GET", "/api/x", ann)
	g.upstreams.Retire(old, next)
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
	g.upstreams.Retire(g.table.Load(), same)
	select {
	case <-closed:
		t.Error("closed, though the upstream stays")
	default:
	}
	g.upstreams.Retire(same, mustTable(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-closed:
	case <-ctx.Done():
		t.Error("the connection to an upstream that is gone stays open")
	}
}
