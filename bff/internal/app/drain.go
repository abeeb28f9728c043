package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// graceShare is the part of SHUTDOWN_TIMEOUT in which readiness is off and
// everything is still served: a load balancer sends requests here until it has
// probed again, and a request that crosses the end of its connection is lost, or
// worse, may or may not have been done.
const graceShare = 4

// drain ends the server without a failed request: readiness off, a grace if
// it is probed, then requests and streams to their end, the public ones
// first. What is still open at the deadline is cut.
func (a *App) drain(opsServer *http.Server, failed <-chan struct{}) error {
	a.state.draining.Store(true)
	a.log.Info("draining", "deadline", a.config.ShutdownTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), a.config.ShutdownTimeout)
	defer cancel()
	if a.state.watched() {
		select {
		case <-time.After(a.config.ShutdownTimeout / graceShare):
		case <-failed: // nothing goes on without background work
		}
	}
	var public errgroup.Group
	// WebSockets and event streams do not end by themselves, or too late. The
	// listener is closed at the same time, or their clients would reconnect here.
	public.Go(func() error { return a.proxy.Shutdown(ctx) })
	public.Go(func() error { return a.server.Shutdown(ctx) })
	if err := public.Wait(); err != nil {
		a.log.Warn("requests or streams cut at the deadline", "error", err)
	}
	errs := []error{a.server.Close(), opsServer.Shutdown(ctx), opsServer.Close()}
	if a.operator != nil {
		errs = append(errs, a.operator.Shutdown()) // late: until then no other process can carry out a command
	}
	if a.demo != nil {
		errs = append(errs, a.demo.server.Close()) // its requests came through the public one
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}

// partings makes each response during the grace the last one on its connection, so
// that few connections are left to be closed at its end: a request may be on its way
// on any of those. A WebSocket's 101 keeps its connection.
func (a *App) partings(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.state.draining.Load() && len(r.Header["Upgrade"]) == 0 {
			w.Header()["Connection"] = []string{"close"}
		}
		next.ServeHTTP(w, r)
	})
}
