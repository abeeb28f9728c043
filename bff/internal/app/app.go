// Package app puts the packages together: it opens the stores, wires the
// services, owns every goroutine and the order in which they end.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/datadir"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/logbuffer"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
	"github.com/gatehouse-bff/gatehouse/bff/internal/password"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/telemetry"
	"github.com/gatehouse-bff/gatehouse/bff/internal/tlsfiles"
	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/clientaddr"
)

// Options configure an App.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// LogBuffer gathers the lines that Log writes while the server runs. nil: each
	// line is one write.
	LogBuffer *logbuffer.Writer
	// LogLines receives the lines of requests as JSON. nil: they go through Log.
	LogLines web.LogLines
	Now      func() time.Time
	// Version is the version in metrics and traces; "" for unknown.
	Version string

	// HashCost replaces BCRYPT_COST when it is not 0. Tests use it: the
	// configuration does not allow such quick hashes.
	HashCost int
	// Crowd lifts the limits on sign-ups and sign-ins from one address, for tests.
	Crowd bool

	// StallTimeout replaces the time that clients may neither send nor read a byte
	// when it is not 0. Tests use it: they do not wait.
	StallTimeout time.Duration

	// QuestionTimeout replaces the time limit of a database query when it is not 0.
	// Tests use it: on a busy machine queries are slow and the database does not hang.
	QuestionTimeout time.Duration

	// Reload lets the server read its files again while it runs. nil: the settings
	// of the start stay in force.
	Reload *Reload
}

// hashQueue is how many sign-ins may wait for each hash that runs at once: at
// 0.3 s a hash, the last one waits about five seconds.
const hashQueue = 16

// App is a server, ready to run.
type App struct {
	config *config.Config
	log    *slog.Logger
	lines  web.LogLines // nil: they go through log
	buffer *logbuffer.Writer
	now    func() time.Time

	db        *sqlstore.DB
	schema    *schema // nil in embedded mode, whose tables are up to date when it is open
	sessions  sessionStore
	limiter   auth.Limiter
	limits    auth.Limits
	service   *auth.Service
	passwords *password.Hasher
	upstreams *upstream.Transport
	proxy     *proxy.Proxy
	table     atomic.Pointer[route.Table]
	demo      *demo            // nil without
	operator  *operator.Server // nil but in embedded mode

	listener net.Listener
	ops      net.Listener // nil when off
	server   *http.Server
	state    *health
	// background functions run beside requests; each returns when its context ends.
	background []func(context.Context) error
	closers    []func() error // in the order of opening

	again *Reload // nil without
	// State of reloads: the settings in force, and the configuration read last.
	latest  *config.Config
	secrets Secrets
	tokens  *token.Issuer
	sender  *sender // nil where no mail is sent

	stallTimeout time.Duration
	// See Options.QuestionTimeout.
	questionTimeout time.Duration

	metrics *telemetry.Metrics
	traces  *telemetry.Traces // nil unless they are wanted
	version string
}

// sessionStore is the interface that filestore and redisstore share.
type sessionStore interface {
	session.Store
	session.Revocations
	Close() error
}

// New opens and wires everything. When it fails, nothing stays open.
func New(ctx context.Context, o Options) (*App, error) {
	a := newApp(o)
	if err := a.open(ctx, o.HashCost); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func newApp(o Options) *App {
	a := &App{config: o.Config, latest: o.Config, log: o.Log, lines: o.LogLines, buffer: o.LogBuffer, now: o.Now, state: &health{now: o.Now}, again: o.Reload, stallTimeout: cmp.Or(o.StallTimeout, stallTimeout), questionTimeout: o.QuestionTimeout, limits: auth.DefaultLimits}
	a.version = cmp.Or(o.Version, "unknown")
	a.metrics = telemetry.New(a.version, a.now)
	a.metrics.Outcomes(session.RefreshOutcomes(), auth.NoticeOutcomes())
	if o.Crowd {
		many := session.Allowance{Count: 1_000_000, Per: time.Second}
		a.limits = auth.Limits{SignIn: many, Register: many, Refresh: many, Inline: many, Password: many, Change: many, Notice: auth.DefaultLimits.Notice}
	}
	return a
}

func (a *App) open(ctx context.Context, hashCost int) error {
	c := a.config
	if err := a.openTraces(ctx); err != nil {
		return err
	}
	if err := a.openStores(ctx); err != nil {
		return err
	}
	if c.Embedded {
		if err := a.migrate(ctx); err != nil {
			return err
		}
	} else {
		a.schema = newSchema(a.db, a.log)
		a.state.starting = a.schema.undecided
		a.state.checks = append(a.state.checks, a.schema.down)
	}
	if err := a.listen(ctx); err != nil {
		return err
	}
	if err := a.openService(hashCost); err != nil {
		return err
	}
	demoURL := &url.URL{}
	if hasDemo(c) {
		var err error
		if a.demo, err = newDemo(ctx, DemoOptions{
			Listen: "127.0.0.1:0", JWKSURL: a.ownURL() + "/.well-known/jwks.json",
			Issuer: c.PublicURL.String(), Audience: "demo", Log: a.log, Now: a.now,
		}); err != nil {
			return err
		}
		a.closers = append(a.closers, a.demo.close)
		demoURL = a.demo.url()
	}
	table, err := routes(c, demoURL)
	if err != nil {
		return err
	}
	a.table.Store(table)
	a.warnOfRoutes(table)
	if err := a.wire(); err != nil {
		return err
	}
	if !c.Embedded {
		return nil
	}
	// Last: from here on operators' commands are carried out.
	if a.operator, err = operator.Listen(ctx, c.DataDir, a.service, a.log); err != nil {
		return err
	}
	a.closers = append(a.closers, a.operator.Close)
	return nil
}

func (a *App) wire() error {
	c := a.config
	pages, err := newPages(c, a.log)
	if err != nil {
		return err
	}
	a.upstreams = upstream.New(a.upstreamOptions())
	a.closers = append(a.closers, func() error { a.upstreams.Close(); return nil })
	a.proxy = proxy.New(proxy.Options{
		Mint: func(who route.Identity, audience string) (string, error) {
			return a.tokens.MintBearer(token.Identity(who), audience, a.now())
		},
		OwnCookies: web.OwnCookieNames(), PublicURL: c.PublicURL, Upstreams: a.upstreams,
		Now: a.now, Logger: a.log, Observe: a.observeProxy(), StallTimeout: a.stallTimeout,
	})
	clients := clientaddr.New(c.TrustedProxies, a.log)
	server := web.New(web.Options{
		Auth: a.service, Proxy: a.proxy, Table: a.table.Load, JWKS: a.tokens.JWKS,
		PublicURL: c.PublicURL, SPADevURL: c.SPADevURL, Clients: clients,
		Pages: pages, Now: a.now, Log: a.log, LogLines: a.lines, Observe: a.observeRequests(), Away: a.state.away,
	})
	a.watch(clients)
	a.server = newHTTPServer(a.partings(server), a.log)
	a.server.IdleTimeout = c.IdleTimeout
	a.server.RegisterOnShutdown(server.EndStreams)
	a.background = append(a.background, a.service.Run, a.proxy.RunStreams, func(ctx context.Context) error {
		return a.upstreams.Run(ctx, a.table.Load)
	})
	if a.buffer != nil {
		a.background = append(a.background, a.buffer.Run)
	}
	if a.again != nil {
		a.background = append(a.background, a.reloads)
	}
	return nil
}

func openRedis(ctx context.Context, c *config.Config, a *App) (*redisstore.Store, error) {
	files, err := tlsfiles.Open(redisTLS, tlsfiles.Files(c.RedisTLS), a.now, a.log)
	if err != nil {
		return nil, err
	}
	store, err := redisstore.Open(ctx, redisstore.Config{
		URL: c.RedisURL.Reveal(), Reread: a.rereads("REDIS_URL"), TLS: files, Keep: c.AccessTTL, Now: a.now, Log: a.log,
		Observe: a.metrics.Questions("redis", a.traces),
	})
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return store, nil
}

func (a *App) openStores(ctx context.Context) error {
	c := a.config
	if c.Embedded {
		if err := datadir.Open(c.DataDir); err != nil {
			return err
		}
		// The journal's lock comes first: it keeps a second server out.
		store, err := filestore.Open(filestore.Config{Dir: filepath.Join(c.DataDir, datadir.SessionsFolder), Keep: c.AccessTTL, Now: a.now, Log: a.log})
		if err != nil {
			return fmt.Errorf("open sessions: %w", err)
		}
		a.sessions, a.limiter = store, filestore.NewLimits(a.now)
		a.background = append(a.background, store.Run)
	} else {
		store, err := openRedis(ctx, c, a)
		if err != nil {
			return err
		}
		a.sessions, a.limiter = store, store.Limits(filestore.NewLimits(a.now))
		a.state.checks = append(a.state.checks, named("redis", func(ctx context.Context) error {
			return errors.Join(store.Ping(ctx), store.Following())
		}))
	}
	a.closers = append(a.closers, a.sessions.Close)

	db, err := openDatabase(ctx, c, a)
	if err != nil {
		return err
	}
	a.db = db
	a.closers = append(a.closers, db.Close)
	return nil
}

// close runs the closers, the last opened first.
func (a *App) close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}
