package app

import (
	"context"
	"net/netip"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/telemetry"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/clientaddr"
)

// openTraces comes before the stores, which make spans of their queries.
func (a *App) openTraces(ctx context.Context) error {
	c := a.config.Traces
	if c.Endpoint == "" {
		return nil
	}
	headers := map[string]string{}
	for name, value := range c.Headers {
		headers[name] = value.Reveal()
	}
	traces, err := telemetry.OpenTraces(ctx, telemetry.TraceConfig{
		Endpoint: c.Endpoint, Headers: headers, Service: c.Service, Version: a.version, Attributes: c.Attributes,
		Sampler: c.Sampler, Ratio: c.Ratio, Log: a.log,
	}, a.metrics)
	if err != nil {
		return err
	}
	a.traces = traces
	a.closers = append(a.closers, traces.Close) // the first opened is the last closed
	a.log.Info("traces are sent", "endpoint", c.Endpoint, "sampler", c.Sampler)
	return nil
}

func (a *App) questions(store string) telemetry.Question { return a.metrics.Questions(store, a.traces) }

func (a *App) observeRequests() web.Observer {
	o := web.Observer{Answered: a.metrics.Request, BrokenOff: a.metrics.BrokenOff}
	if a.traces != nil {
		o.Trace = a.traces.Request
	}
	return o
}

func (a *App) observeProxy() proxy.Observer {
	return proxy.Observer{Answered: a.metrics.Upstream, Failed: a.metrics.UpstreamFailed}
}

func (a *App) upstreamOptions() upstream.Options {
	o := upstream.Options{Now: a.now, Log: a.log}
	if a.traces != nil {
		o.Attempt = a.traces.Forward
	}
	return o
}

// watch registers the values that each scrape reads.
func (a *App) watch(clients *clientaddr.Finder) {
	inMemory := func() bool { return false } // in embedded mode memory is the normal place
	if shared, ok := a.limiter.(*redisstore.Limits); ok {
		inMemory = shared.InMemory
	}
	a.metrics.Watch(telemetry.Sources{
		HashesRunning: a.passwords.Running, HashesWaiting: a.passwords.Waiting, LimitsInMemory: inMemory,
		WebSockets:      a.proxy.LiveSockets,
		EventStreams:    func() int { return max(0, a.proxy.Live()-a.proxy.LiveSockets()) },
		SessionWatchers: a.service.Sessions().Watching,
		Upstreams: func() (list []telemetry.Upstream) {
			for _, u := range a.upstreams.States(a.table.Load()) {
				list = append(list, telemetry.Upstream{Route: u.Route, Address: u.Origin, Up: u.Up})
			}
			return list
		},
		ProxiesSeen: func(yield func(string, bool)) {
			clients.ProxiesSeen(func(network netip.Prefix, seen bool) { yield(network.String(), seen) })
		},
		ForwardedByOthers: clients.ForwardedByOthers,
		Down:              a.state.down,
	})
}
