package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limits against clients that hold connections without using them: with Go's
// defaults 200 of 200 slow ones were held for good. There is no overall read
// or write timeout, because streams and big bodies pass through; small bodies
// have a deadline of their own.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10 // on localhost other products' cookies come along
)

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what scanners send is not news
	}
}

func (a *App) listen(ctx context.Context) error {
	var lc net.ListenConfig
	var err error
	if a.listener, err = lc.Listen(ctx, "tcp", a.config.ListenAddr); err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	a.closers = append(a.closers, ignoreClosed(a.listener.Close))
	if a.config.OpsAddr == "" {
		return nil
	}
	if a.ops, err = lc.Listen(ctx, "tcp", a.config.OpsAddr); err != nil {
		return fmt.Errorf("OPS_ADDR: %w (choose another address, or off)", err)
	}
	a.closers = append(a.closers, ignoreClosed(a.ops.Close))
	return nil
}

// ignoreClosed: http.Server has closed the listener when it was shut down.
func ignoreClosed(closeIt func() error) func() error {
	return func() error {
		if err := closeIt(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// ownURL is how this machine reaches the public listener.
func (a *App) ownURL() string {
	addr := a.listener.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// Addr is where the public listener listens.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// OpsAddr is where the private listener listens, nil when it is off.
func (a *App) OpsAddr() net.Addr {
	if a.ops == nil {
		return nil
	}
	return a.ops.Addr()
}

// Run serves until ctx ends or something fails, then drains: readiness off,
// requests under way finished up to SHUTDOWN_TIMEOUT, background work done,
// stores closed. It may be called once.
func (a *App) Run(ctx context.Context) error {
	a.announce()

	// Background work goes on while requests drain, and ends after them.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	work, background := errgroup.WithContext(background)
	for _, run := range a.background {
		work.Go(func() error { return run(background) })
	}

	servers, ctx := errgroup.WithContext(ctx)
	serve := func(s *http.Server, l net.Listener) {
		servers.Go(func() error {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	serve(a.server, a.listener)
	opsServer := newHTTPServer(a.state.handler(), a.log)
	if a.ops != nil {
		serve(opsServer, a.ops)
	}
	if a.demo != nil {
		serve(a.demo.server, a.demo.listener)
	}
	servers.Go(func() error {
		select {
		case <-ctx.Done():
		case <-background.Done(): // background work failed: nothing goes on without it
		}
		a.state.draining.Store(true)
		a.log.Info("draining", "deadline", a.config.ShutdownTimeout.String())
		return a.drain(opsServer)
	})

	err := servers.Wait()
	stopBackground()
	if workErr := work.Wait(); !errors.Is(workErr, context.Canceled) {
		err = errors.Join(err, workErr)
	}
	return errors.Join(err, a.close())
}

// drain lets requests finish, the public ones first; what is still open at
// the deadline is cut.
func (a *App) drain(opsServer *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), a.config.ShutdownTimeout)
	defer cancel()
	servers := []*http.Server{a.server}
	if a.demo != nil {
		servers = append(servers, a.demo.server)
	}
	// WebSockets and event streams end by themselves never, or too late.
	errs := []error{a.proxy.Shutdown(ctx)}
	for _, s := range append(servers, opsServer) {
		if err := s.Shutdown(ctx); err != nil {
			a.log.Warn("requests cut at the deadline", "error", err)
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

func (a *App) announce() {
	if a.config.Embedded {
		a.log.Info("embedded mode: users in SQLite and sessions in a journal, for this machine only; set MYSQL_DSN and REDIS_URL for production",
			"data_dir", a.config.DataDir)
	}
	attrs := []any{"url", a.config.PublicURL.String(), "listen", a.listener.Addr().String()}
	if a.ops != nil {
		attrs = append(attrs, "ops", a.ops.Addr().String())
	}
	a.log.Info("Gatehouse is ready: open "+a.config.PublicURL.String(), attrs...)
}
