package upstream

import (
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// coolDown is how long an upstream that refused a connection is passed over
// while another one is there. A real request tries it again after that.
const coolDown = 5 * time.Second

// upstream is one origin behind a route, and its state.
type upstream struct {
	scheme       string // of the routes file: http, https or h2c
	host, origin string
	inline       bool         // inlineTransport can reach it
	downUntil    atomic.Int64 // Unix nanoseconds
	lost         atomic.Bool  // the last attempt to reach it failed; for operators, nothing hangs on it
}

func newUpstream(u *url.URL) *upstream {
	up := &upstream{scheme: strings.ToLower(u.Scheme), host: u.Host, origin: route.Origin(u)}
	up.inline = canCheckConns && up.scheme == "http" && !strings.ContainsFunc(up.host, func(r rune) bool { return r >= utf8.RuneSelf }) // IDNA is http.Transport's
	return up
}

// found is called for every answer: the flag is written when it changes only,
// or all cores would fight for its cache line.
func (u *upstream) found() {
	if u.lost.Load() {
		u.lost.Store(false)
	}
}

// pool holds the upstreams of a route, and whose turn it is.
type pool struct {
	upstreams []*upstream
	next      *atomic.Uint32 // round robin
}

// pick takes the next upstream in turn that is not cooling down and is not
// tried. When all are down it is the one whose turn it is: a request has to
// find out that it is back.
func (p *pool) pick(now func() time.Time, tried *upstream) *upstream {
	if len(p.upstreams) == 1 {
		return p.upstreams[0]
	}
	at := now().UnixNano()
	start := p.next.Add(1)
	var fallback *upstream
	for i := range uint32(len(p.upstreams)) {
		u := p.upstreams[(start+i)%uint32(len(p.upstreams))]
		if u == tried {
			continue
		}
		if u.downUntil.Load() <= at {
			return u
		}
		if fallback == nil {
			fallback = u
		}
	}
	return fallback
}

// pools holds the state of all upstreams. A table has none of it: what is known
// of an upstream outlives the table, and one that is cooling down is not tried
// again by every reload.
type pools struct {
	byRoute sync.Map // *Route to *pool: what follows, at hand for each request

	mu        sync.Mutex
	upstreams map[upstreamKey]*upstream
	turns     map[string]*atomic.Uint32 // by path
}

// upstreamKey names an upstream across tables. What a health path found out
// says nothing about another one.
type upstreamKey struct{ path, healthPath, scheme, host string }

func keyOf(rt *route.Route, u *url.URL) upstreamKey {
	return upstreamKey{rt.Path, rt.HealthPath, strings.ToLower(u.Scheme), u.Host}
}

// of returns the upstreams of a route, which are made when they are wanted
// first.
func (p *pools) of(rt *route.Route) *pool {
	if found, ok := p.byRoute.Load(rt); ok {
		return found.(*pool)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.upstreams == nil {
		p.upstreams, p.turns = make(map[upstreamKey]*upstream), make(map[string]*atomic.Uint32)
	}
	if p.turns[rt.Path] == nil {
		p.turns[rt.Path] = new(atomic.Uint32)
	}
	made := &pool{next: p.turns[rt.Path]}
	for _, u := range rt.Upstreams {
		key := keyOf(rt, u)
		if p.upstreams[key] == nil {
			p.upstreams[key] = newUpstream(u)
		}
		made.upstreams = append(made.upstreams, p.upstreams[key])
	}
	actual, _ := p.byRoute.LoadOrStore(rt, made)
	return actual.(*pool)
}

// forget drops the state of what t does not have. A request that was let in by
// an older table makes its route's anew, until the next reload.
func (p *pools) forget(t *route.Table) {
	routes, paths, keys := map[*route.Route]bool{}, map[string]bool{}, map[upstreamKey]bool{}
	for _, rt := range t.Routes() {
		routes[rt], paths[rt.Path] = true, true
		for _, u := range rt.Upstreams {
			keys[keyOf(rt, u)] = true
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byRoute.Range(func(rt, _ any) bool {
		if !routes[rt.(*route.Route)] {
			p.byRoute.Delete(rt)
		}
		return true
	})
	maps.DeleteFunc(p.turns, func(path string, _ *atomic.Uint32) bool { return !paths[path] })
	maps.DeleteFunc(p.upstreams, func(key upstreamKey, _ *upstream) bool { return !keys[key] })
}

// Retire forgets the state of upstreams that old has and next has not, and
// closes the idle connections to them. The pool closes only all of them at
// once, so the others are dialled anew; no request is cut, because one in use is
// not idle. What requests still hold comes back to the pool later, and is closed
// by its idle timeout.
func (t *Transport) Retire(old, next *route.Table) {
	t.pools.forget(next)
	stays := addresses(next)
	for address := range addresses(old) {
		if !stays[address] {
			t.transports.closeIdle()
			return
		}
	}
}

func addresses(t *route.Table) map[string]bool {
	all := map[string]bool{}
	for _, rt := range t.Routes() {
		for _, u := range rt.Upstreams {
			all[strings.ToLower(u.Scheme)+"://"+u.Host] = true
		}
	}
	return all
}

// State is one origin behind a row, and whether the last attempt to
// reach it succeeded; true when there was none.
type State struct {
	Route, Origin string
	Up            bool
}

// States returns the state of every upstream of a table, row by row.
func (t *Transport) States(table *route.Table) (list []State) {
	for _, rt := range table.Routes() {
		for _, u := range t.pools.of(rt).upstreams {
			list = append(list, State{rt.Path, route.URLScheme(u.scheme) + "://" + u.host, !u.lost.Load()})
		}
	}
	return list
}
