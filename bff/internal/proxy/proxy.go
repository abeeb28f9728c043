package proxy

import (
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// Mint makes the identity token that an upstream is shown, as the value of
// Authorization (RFC 6750 §2.1). It is called for every request and should
// cache: signing costs more than forwarding.
type Mint func(who route.Identity, audience string) (bearer string, err error)

// Options is what a Proxy needs from outside. Mint, OnError, Now and
// StallTimeout must be set.
type Options struct {
	Mint Mint
	// OnError answers a request that could not be forwarded. It is called at
	// most once per request and only while an answer is possible, except for
	// ClientGone, when it is of no use but for the log.
	OnError func(w http.ResponseWriter, r *http.Request, err *Error)
	// Forwarded says what an upstream is told about the client: its address,
	// "http" or "https", and the public host. nil: the peer's address, and
	// scheme and host of PublicURL.
	Forwarded func(r *http.Request) (clientIP, proto, host string)
	// Alive reports whether a session has not been revoked; it is asked when
	// a stream begins, and must not block. nil: all are.
	Alive func(r *http.Request) bool
	// StreamEnd says when a stream's session ends at the latest, the zero time
	// for never; it is asked when a stream begins. nil: never.
	StreamEnd  func(r *http.Request) time.Time
	OwnCookies []string // names, exact; never forwarded, never accepted
	PublicURL  *url.URL
	Now        func() time.Time
	Logger     *slog.Logger   // nil: discarded
	RootCAs    *x509.CertPool // for upstreams; nil: the system's
	Observe    Observer
	// StallTimeout is how long a client may send nothing of a body that is read.
	StallTimeout time.Duration
}

// Proxy forwards requests. It is safe for concurrent use.
type Proxy struct {
	mint         Mint
	onError      func(w http.ResponseWriter, r *http.Request, err *Error)
	forwarded    func(r *http.Request) (clientIP, proto, host string)
	alive        func(r *http.Request) bool
	streamEnd    func(r *http.Request) time.Time
	ownCookies   []string
	publicOrigin string
	now          func() time.Time
	logger       *slog.Logger
	observe      Observer
	stallTimeout time.Duration
	leftoverTime time.Duration

	transport *transports
	pools     pools
	streams   streams
	live      liveSlots
	buffers   copyBuffers
}

// New makes a Proxy.
func New(o Options) *Proxy {
	p := &Proxy{
		mint: o.Mint, onError: o.OnError, forwarded: o.Forwarded, alive: o.Alive, streamEnd: o.StreamEnd,
		ownCookies: o.OwnCookies, publicOrigin: o.PublicURL.Scheme + "://" + o.PublicURL.Host,
		now: o.Now, logger: o.Logger, stallTimeout: o.StallTimeout, leftoverTime: leftoverTime, observe: o.Observe, transport: newTransports(o.RootCAs, o.Now),
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if p.forwarded == nil {
		p.forwarded = func(r *http.Request) (string, string, string) {
			ip, _, _ := net.SplitHostPort(r.RemoteAddr)
			return ip, o.PublicURL.Scheme, o.PublicURL.Host
		}
	}
	return p
}

// Close drops idle connections to upstreams.
func (p *Proxy) Close() { p.transport.CloseIdleConnections() }

// Forward sends the request of a [Forward] decision on as who, the zero
// Identity for nobody, and the answer back. It panics with
// [http.ErrAbortHandler] when an answer breaks off in its middle, so that the
// client does not take it for complete.
//
// seal is called once, when the final header or that of a 101 is about to be
// written, on our own error answers too, and may add to it; never for a 1xx
// before that. It may be nil.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, d route.Decision, who route.Identity, seal func(http.Header)) {
	if d.Route() == nil || d.As(&who).Outcome != route.Forward {
		panic("proxy: Forward without a decision that allows it for this identity")
	}
	if seal == nil {
		seal = func(http.Header) {}
	}
	rt := d.Route()
	ex := &exchange{proxy: p, in: r, route: rt, pool: p.pools.of(rt), path: d.UpstreamPath()}
	ex.w = responseWriter{ResponseWriter: w, ex: ex, seal: seal, informationalAllowed: r.ProtoAtLeast(1, 1)}
	ex.follow(r.Context())
	defer ex.over()
	defer ex.unregisterStream()
	defer ex.releaseLive()
	if rt.Access != route.Public {
		ex.who = who
		w.Header()["Vary"] = VaryCookie
	}

	if wantsUpgrade(r.Header) && !upgradable(r) {
		p.answer(ex, &Error{Kind: BadUpgrade, Route: rt.Path})
		return
	}
	if wantsLive(r.Header) && !ex.takeLive() {
		p.answer(ex, &Error{Kind: TooManyLive, Route: rt.Path})
		return
	}
	if rt.MaxBody != route.NoLimit && r.ContentLength > rt.MaxBody {
		p.answer(ex, ex.tooLarge())
		return
	}
	if ex.who.UserID != "" && rt.Identity == route.IdentityJWT {
		bearer, err := p.mint(ex.who, rt.Audience)
		if err != nil {
			p.answer(ex, &Error{Kind: MintFailed, Route: rt.Path, Cause: err})
			return
		}
		ex.bearer = bearer
	}
	ex.upstream = ex.pool.pick(p.now, nil)

	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		ex.body = &requestBody{ex: ex, src: r.Body, left: rt.MaxBody, in: r, expected: expectsContinue(r)}
		defer ex.body.detach()
	}
	p.relay(ex)
}

// fail answers an exchange that came to nothing.
func (p *Proxy) fail(ex *exchange, err error) {
	p.answer(ex, ex.problem(err))
}

// answer hands an error to the caller while it can be answered.
func (p *Proxy) answer(ex *exchange, e *Error) {
	if p.observe.Failed != nil {
		p.observe.Failed(e.Route, e.Kind.name())
	}
	if ex.w.done {
		p.logger.Debug("proxy: broke off", "route", e.Route, "error", e, "cause", e.Cause)
		return
	}
	if (e.Kind == BodyTooLarge || e.Kind == BadBody || e.Kind == BodyStalled) && ex.in.ProtoMajor == 1 {
		ex.w.Header()["Connection"] = []string{"close"} // the rest of the body is no next request
	}
	p.onError(&ex.w, ex.in, e)
}

// copyBuffers pools the buffers of response bodies.
type copyBuffers struct{ pool sync.Pool }

const copyBufferSize = 32 << 10

func (b *copyBuffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[copyBufferSize]byte); ok {
		return buf[:]
	}
	return make([]byte, copyBufferSize)
}

func (b *copyBuffers) Put(buf []byte) { b.pool.Put((*[copyBufferSize]byte)(buf)) }
