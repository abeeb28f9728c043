package proxy

import (
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

// Mint makes the identity token that an upstream is shown, as the value of
// Authorization (RFC 6750 §2.1). It is called for every request and should
// cache: signing costs more than forwarding.
type Mint func(who route.Identity, audience string) (bearer string, err error)

// Options is what a Proxy needs from outside. Mint, PublicURL,
// Upstreams, Now and StallTimeout must be set.
type Options struct {
	Mint       Mint
	OwnCookies []string // names, exact; never forwarded, never accepted
	// PublicURL gives X-Forwarded-Proto and X-Forwarded-Host: what browsers use,
	// whatever a request claims.
	PublicURL *url.URL
	Upstreams *upstream.Transport
	Now       func() time.Time
	Logger    *slog.Logger // nil: discarded
	Observe   Observer
	// StallTimeout is how long a client may send nothing of a body that is read.
	StallTimeout time.Duration
}

// Proxy forwards requests. It is safe for concurrent use.
type Proxy struct {
	mint         Mint
	ownCookies   []string
	public       *url.URL
	publicOrigin string
	now          func() time.Time
	logger       *slog.Logger
	observe      Observer
	stallTimeout time.Duration
	leftoverTime time.Duration

	upstreams *upstream.Transport
	streams   streams
	live      liveSlots
	buffers   copyBuffers
}

// New makes a Proxy.
func New(o Options) *Proxy {
	p := &Proxy{
		mint: o.Mint, ownCookies: o.OwnCookies, public: o.PublicURL, publicOrigin: o.PublicURL.Scheme + "://" + o.PublicURL.Host,
		now: o.Now, logger: o.Logger, stallTimeout: o.StallTimeout, leftoverTime: leftoverTime, observe: o.Observe, upstreams: o.Upstreams,
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	return p
}

// Forward sends the request of a [route.Forward] decision to an upstream, and the
// response back. It panics with [http.ErrAbortHandler] when a response breaks off,
// so that the client does not take it for complete.
func (p *Proxy) Forward(w http.ResponseWriter, r *http.Request, d route.Decision, call Call) {
	if d.Route() == nil || d.As(&call.Who).Outcome != route.Forward {
		panic("proxy: Forward without a decision that allows it for this identity")
	}
	rt := d.Route()
	if rt.Access == route.Public {
		call.Who = route.Identity{}
	} else {
		w.Header()["Vary"] = VaryCookie
	}
	ex := &exchange{Call: call, proxy: p, in: r, path: d.UpstreamPath()}
	ex.Route, ex.Sender, ex.Method = rt, ex, r.Method
	ex.w = responseWriter{ResponseWriter: w, ex: ex, informationalAllowed: r.ProtoAtLeast(1, 1)}
	ex.Attach(r.Context())
	defer ex.Finish()
	defer ex.unregisterStream()
	defer ex.releaseLive()

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
	if ex.Who.UserID != "" && rt.Identity == route.IdentityJWT {
		bearer, err := p.mint(ex.Who, rt.Audience)
		if err != nil {
			p.answer(ex, &Error{Kind: MintFailed, Route: rt.Path, Cause: err})
			return
		}
		ex.bearer = bearer
	}

	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		ex.body = &requestBody{ex: ex, src: r.Body, left: rt.MaxBody, in: r, expected: expectsContinue(r)}
		ex.HasBody = true
		defer ex.body.detach()
	}
	p.relay(ex)
}

// fail answers a request that could not be forwarded.
func (p *Proxy) fail(ex *exchange, err error) {
	p.answer(ex, ex.problem(err))
}

// answer has the caller answer an error, unless the response has begun.
func (p *Proxy) answer(ex *exchange, e *Error) {
	if p.observe.Failed != nil {
		p.observe.Failed(e.Route, e.Kind.name())
	}
	if ex.w.done {
		p.logger.Debug("proxy: broke off", "route", e.Route, "error", e, "cause", e.Cause)
		return
	}
	if (e.Kind == BodyTooLarge || e.Kind == BadBody || e.Kind == BodyStalled) && ex.in.ProtoMajor == 1 {
		ex.w.Header()["Connection"] = []string{"close"} // the rest of the body must not be read as the next request
	}
	ex.Caller.OnError(&ex.w, e)
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
