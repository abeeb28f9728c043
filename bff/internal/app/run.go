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
// defaults 200 of 200 slow ones were held for good. There is no overall read
// or write timeout, because streams and big bodies pass through: they only
// have to move (stallTimeout). Small bodies have a deadline of
// their own.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute // of the private listeners; IDLE_TIMEOUT is the public one's
	maxHeaderBytes    = 64 << 10        // on localhost other products' cookies come along
)

// stallTimeout is how long a client may neither send nor take a single byte
// while the server waits for it. One byte is enough to go on, so slow clients are
// never too slow. Clients that stopped half way used to hold a connection here, one
// at the upstream, and the upstream's work for the request, for good.
const stallTimeout = 30 * time.Second

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		DisableGeneralOptionsHandler: true,                                              // OPTIONS * is refused like any odd target, with our headers
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what scanners send is not news
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

// Run serves, once it knows whose session has ended, until ctx ends or
// something fails, then drains: readiness off, load balancers given time to see
// it, requests under way finished up to SHUTDOWN_TIMEOUT, background work done,
// stores closed. It may be called once.
func (a *App) Run(ctx context.Context) error {
	// Background work goes on while requests drain, and ends after them.
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
		// By the second of two: the listener, and the first verdict on the tables.
		announce = onCall(2, a.announce)
		// It ends when the drain begins, between two steps, and is waited for.
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
		releaseStart()
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

// catchUpDeadline is how long the public listener waits at the start: its
// clients wait too.
const catchUpDeadline = 5 * time.Second

// catchUp waits until it is known which sessions have ended; without it, their
// access tokens were served for a moment after every start. It also waits until
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
		case <-known: // both: it had been late for the other one
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

// backgroundDeadline is what queues get to be written out after the last
// request.
const backgroundDeadline = 12 * time.Second

// EndsWithin is how long a process takes at most from the signal to its end, when
// requests do not finish and a store does not answer: what may kill it waits for
// longer.
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
