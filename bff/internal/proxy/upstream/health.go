package upstream

import (
	"context"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

const (
	healthInterval = 5 * time.Second
	healthTimeout  = 2 * time.Second
	healthProbes   = 8 // at once
)

// Run requests the health path of every row that has one, until ctx is done.
// An upstream that does not answer 2xx or 3xx is passed over until it does; one
// that does is used again at once. A single upstream is never passed over: its
// check only keeps upstream_up true, which stayed 0 after an outage until the
// next client came by.
func (t *Transport) Run(ctx context.Context, table func() *route.Table) error {
	tick := time.NewTicker(healthInterval)
	defer tick.Stop()
	for {
		t.probe(ctx, table())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (t *Transport) probe(ctx context.Context, table *route.Table) {
	var group errgroup.Group
	group.SetLimit(healthProbes)
	for _, rt := range table.Routes() {
		if rt.HealthPath == "" {
			continue
		}
		for _, u := range t.pools.of(rt).upstreams {
			group.Go(func() error {
				if err := t.healthy(ctx, u, rt.HealthPath); err == nil {
					u.downUntil.Store(0)
					u.found()
				} else if ctx.Err() == nil {
					t.log.Warn("upstream is not healthy", "route", rt.Path, "upstream", u.origin, "error", err)
					u.lost.Store(true)
					u.downUntil.Store(t.now().Add(3 * healthInterval).UnixNano())
				}
				return nil
			})
		}
	}
	_ = group.Wait()
}

func (t *Transport) healthy(ctx context.Context, u *upstream, path string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.host+path, nil)
	if err != nil {
		return err
	}
	res, err := t.transports.probe(u, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // read to its end the connection is kept
	if res.StatusCode >= 400 {
		return errUnhealthy(res.Status)
	}
	return nil
}

type errUnhealthy string

func (e errUnhealthy) Error() string { return "health path answered " + string(e) }
