// Package web is the browser-facing side: the product's own endpoints, the
// gate in front of the proxied ones, cookies, problems, and the pages.
//
// A request passes, in this order: request id, log line, security headers,
// the canonical path, the method, the cross-site rule; then the row of
// routes.go or of the proxy's table says who may go on.
package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/clientaddr"
)

// Options are the parts and settings of a Server.
type Options struct {
	Auth      *auth.Service
	Proxy     *proxy.Proxy
	Table     func() *route.Table // the table in effect; a reload replaces it
	JWKS      func() []byte       // the current public identity keys
	PublicURL *url.URL
	SPADevURL *url.URL // its origin is allowed too; nil in production
	Clients   *clientaddr.Finder
	Pages     Pages
	Now       func() time.Time
	Log       *slog.Logger
	LogLines  LogLines // nil: lines of requests go through Log
	Observe   Observer
	// Away gives the reason why load balancers must send no requests here, "" when
	// they may. With nil they always may.
	Away func() string
}

// forwarder is the proxy's Forward. Tests of the steps before it replace it.
type forwarder func(w http.ResponseWriter, r *http.Request, d route.Decision, call proxy.Call)

// Server answers browsers.
type Server struct {
	echo      *echo.Echo
	chain     echo.HandlerFunc
	auth      *auth.Service
	sessions  *session.Manager
	forward   forwarder
	table     func() *route.Table
	jwks      func() []byte
	pages     Pages
	cookies   cookieJar
	crossSite crossSite
	headers   securityHeaders
	public    *url.URL
	now       func() time.Time
	log       *slog.Logger
	logLines  LogLines
	observe   Observer
	away      func() string
	clients   *clientaddr.Finder

	closing   chan struct{} // closed by EndStreams
	closeOnce sync.Once
}

// New makes a Server.
func New(o Options) *Server {
	secure := o.PublicURL.Scheme == "https"
	s := &Server{
		echo: echo.New(), auth: o.Auth, sessions: o.Auth.Sessions(), forward: o.Proxy.Forward, table: o.Table, jwks: o.JWKS, pages: o.Pages,
		cookies: newCookieJar(secure), crossSite: newCrossSite(o.PublicURL, o.SPADevURL),
		headers: newSecurityHeaders(secure, o.SPADevURL != nil, o.Pages.Policies()), public: o.PublicURL, now: o.Now, log: o.Log, logLines: o.LogLines,
		observe: o.Observe, away: o.Away, clients: o.Clients,
		closing: make(chan struct{}),
	}
	e := s.echo
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.answerProblem
	e.IPExtractor = s.clients.Find
	s.chain = s.identifyRequest(s.logRequest(s.secureHeaders(s.knownMethod(s.canonical(s.sameSite(s.dispatch))))))
	s.mount(e)
	return s
}

// ServeHTTP implements http.Handler. It differs from Echo's in the chain, which Echo
// builds again for each request from the middleware of Pre.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.echo.AcquireContext()
	c.Reset(r, w)
	if err := s.chain(c); err != nil {
		s.answerProblem(err, c)
	}
	s.echo.ReleaseContext(c)
}

// dispatch is the end of the chain: the handler of the route.
func (s *Server) dispatch(c echo.Context) error {
	r := c.Request()
	s.echo.Router().Find(r.Method, echo.GetPath(r), c)
	return c.Handler()(c)
}
