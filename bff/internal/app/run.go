package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/listener"
)

// Limits against clients that hold connections without using them: with Go's
// defaults 200 of 200 slow connections stayed open for good. There is no overall
// read or write timeout, because streams and big bodies pass through: they only have
// to make progress (stallTimeout). Small bodies have a deadline of their own.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute // of the private listeners; IDLE_TIMEOUT is the public one's
	maxHeaderBytes    = 64 << 10        // on localhost browsers send other products' cookies too
)

// stallTimeout is how long a client may neither send nor read a single byte while
// the server waits for it. Each byte restarts it, so slow clients are not cut.
// Clients that stopped half way used to hold a connection here, one at the upstream,
// and the upstream's work for the request, for good.
const stallTimeout = 30 * time.Second

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		DisableGeneralOptionsHandler: true,                                              // OPTIONS * is refused like any odd target, with our headers
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug), // scanners cause most of its lines
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

// ignoreClosed wraps a Close that http.Server may have called at its shutdown.
func ignoreClosed(closeIt func() error) func() error {
	return func() error {
		if err := closeIt(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// ownURL is the URL of the public listener from this machine.
func (a *App) ownURL() string {
	addr := a.listener.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// Addr is the address of the public listener.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// OpsAddr is the address of the private listener, nil when it is off.
func (a *App) OpsAddr() net.Addr {
	if a.ops == nil {
		return nil
	}
	return a.ops.Addr()
}

// Run reads the revocations, serves until ctx ends or a part fails, then drains:
// readiness off, a grace in which load balancers see it, requests under way finished
// up to SHUTDOWN_TIMEOUT, background work ended, stores closed. It may be called
// once.
func (a *App) Run(ctx context.Context) error {
	// Background work runs while requests drain, and ends after them.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	work, background := errgroup.WithContext(background)
	for _, run := range a.background {
		work.Go(func() error {
			if a.buffer != nil {
				defer a.buffer.Flush() // before a panic ends the process
			}
			return run(background)
		})
	}

	servers, ctx := errgroup.WithContext(ctx)
	announce := a.announce
	if a.schema != nil {
		// At the second of two events: the listener is open, the tables are checked.
		announce = onCall(2, a.announce)
		// It ends when the drain begins, between two steps; Run waits for it.
		work.Go(func() error { return a.schema.run(ctx, announce) })
	}
	serve := func(s *http.Server, l net.Listener) error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
	opsServer := newHTTPServer(a.state.handler(a.metrics.Handler(a.log)), a.log)
	if a.ops != nil {
		opsServer.Handler = newOpsGuard(a.config.OpsAddr, a.ops.Addr(), a.log).wrap(opsServer.Handler)
		servers.Go(func() error { return serve(opsServer, a.ops) })
	}
	if a.demo != nil {
		servers.Go(func() error { return serve(a.demo.server, a.demo.listener) })
	}
	if a.operator != nil {
		servers.Go(a.operator.Serve)
	}
	servers.Go(func() error {
		if !a.catchUp(ctx, background) {
			return nil
		}
		announce()
		return serve(a.server, listener.CheckFraming(a.server, listener.WithStallTimeout(a.listener, a.stallTimeout),
			listener.Options{Log: a.log, Problem: web.UnreadProblem, Refused: a.metrics.RefusedUnread}))
	})
	servers.Go(func() error {
		select {
		case <-ctx.Done():
		case <-background.Done(): // background work failed: nothing goes on without it
		}
		return a.drain(opsServer, background.Done())
	})

	err := servers.Wait()
	stopBackground()
	finished := make(chan error, 1)
	go func() { finished <- work.Wait() }()
	select {
	case workErr := <-finished:
		if !errors.Is(workErr, context.Canceled) {
			err = errors.Join(err, workErr)
		}
	case <-time.After(backgroundDeadline):
		a.log.Error("background work cut: a store does not answer")
	}
	return errors.Join(err, a.close())
}

// catchUpDeadline bounds the wait before the public listener opens: its clients
// wait too.
const catchUpDeadline = 5 * time.Second

// catchUp waits until the revocations have been read; without it, access tokens of
// ended sessions were served for a moment after every start. It also waits until
// it is known whether the tables are up to date. While the stores do not answer,
// requests with a good token do not wait any longer. It reports whether to go on
// serving.
func (a *App) catchUp(ctx, background context.Context) bool {
	late, cancel := context.WithTimeout(ctx, catchUpDeadline)
	defer cancel()
	wait := func(known <-chan struct{}, otherwise string) bool {
		select {
		case <-known:
			return true
		case <-background.Done():
			return false
		case <-late.Done():
		}
		if ctx.Err() != nil {
			return false
		}
		select {
		case <-known: // the deadline passed during the other wait
		default:
			a.log.Warn(otherwise, "waited", catchUpDeadline.String())
		}
		return true
	}
	if !wait(a.service.Sessions().CaughtUp(), "the revocations could not be read: until they can, access tokens of ended sessions look good") {
		return false
	}
	return a.schema == nil || wait(a.schema.known, "the tables are still being brought up to date: until they are, what needs MySQL is a 503, and so is /healthz")
}

// onCall calls fn when it is called for the nth time.
func onCall(n int32, fn func()) func() {
	var calls atomic.Int32
	return func() {
		if calls.Add(1) == n {
			fn()
		}
	}
}

// backgroundDeadline is the time for writing out queues after the last request.
const backgroundDeadline = 12 * time.Second

// EndsWithin is the longest time from the signal to the process's end, when
// requests do not finish and a store does not answer: a supervisor must wait longer
// before it kills the process.
func EndsWithin(c *config.Config) time.Duration { return c.ShutdownTimeout + backgroundDeadline }

func (a *App) announce() {
	if a.config.Embedded {
		a.log.Info("embedded mode: users in SQLite and sessions in a journal, for this machine only; set MYSQL_DSN and REDIS_URL for production",
			"data_dir", a.config.DataDir)
	}
	if c := a.config; c.SMTPURL == "" && !c.Embedded {
		a.log.Warn("no mail is sent: account owners get no notice when a password or role changes; set SMTP_URL and MAIL_FROM")
	}
	attrs := []any{"url", a.config.PublicURL.String(), "listen", a.listener.Addr().String()}
	if a.ops != nil {
		attrs = append(attrs, "ops", a.ops.Addr().String())
	}
	if limit := memoryLimit(); limit != "" {
		attrs = append(attrs, "memory_limit", limit)
	}
	a.log.Info("Gatehouse is ready: open "+a.config.PublicURL.String(), attrs...)
}
