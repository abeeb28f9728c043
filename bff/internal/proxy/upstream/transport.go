package upstream

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Options are what a Transport needs. Now must be set.
type Options struct {
	Now     func() time.Time
	Log     *slog.Logger   // nil: discarded
	RootCAs *x509.CertPool // nil: the system's
	// ExpectContinueTimeout is that of http.Transport. 0: 1 s.
	ExpectContinueTimeout time.Duration
	// Attempt is called before r is sent to address, and may add to r's header. It
	// returns a function that is called with the response's status, or with the
	// error. nil: not called.
	Attempt func(r *http.Request, route, address string) (end func(status int, err error))
}

// Transport sends requests to the upstreams of routes. It is safe for concurrent
// use.
type Transport struct {
	now     func() time.Time
	log     *slog.Logger
	attempt func(r *http.Request, route, address string) (end func(status int, err error))

	transports *transports
	pools      pools
}

// New makes a Transport.
func New(o Options) *Transport {
	t := &Transport{now: o.Now, log: o.Log, attempt: o.Attempt, transports: newTransports(o)}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t
}

// Close closes the idle connections.
func (t *Transport) Close() { t.transports.closeIdle() }

// Send sends r to an upstream of the request's route, and to a second one when the
// first cannot be reached and the retry rule allows it.
func (t *Transport) Send(q *Request, r *http.Request) (*http.Response, error) {
	q.pool = t.pools.of(q.Route)
	q.upstream = q.pool.pick(t.now, nil)
	res, err := t.sendTo(q, r)
	if err == nil || !q.mayRetryElsewhere() {
		return res, err
	}
	other := q.pool.pick(t.now, q.upstream)
	if other == nil || other == q.upstream {
		return res, err
	}
	q.upstream = other
	again := r.WithContext(r.Context()) // the first attempt may still hold r
	u := *r.URL
	again.URL = &u
	if t.attempt != nil {
		again.Header = r.Header.Clone() // each attempt has a span of its own
	}
	return t.sendTo(q, again)
}

// sendTo makes one attempt, and records whether the upstream could be reached.
func (t *Transport) sendTo(q *Request, r *http.Request) (*http.Response, error) {
	res, err := t.observed(q, r)
	if err == nil {
		q.upstream.found()
		return res, nil
	}
	var dial *dialError
	if errors.As(err, &dial) && r.Context().Err() == nil {
		q.upstream.lost.Store(true)
		if len(q.pool.upstreams) > 1 {
			q.upstream.downUntil.Store(t.now().Add(coolDown).UnixNano())
		}
	}
	return res, err
}

func (t *Transport) observed(q *Request, r *http.Request) (*http.Response, error) {
	if t.attempt == nil {
		return t.transports.roundTrip(q, r)
	}
	end := t.attempt(r, q.Route.Path, q.upstream.host)
	res, err := t.transports.roundTrip(q, r)
	if err != nil {
		end(0, err)
		return nil, err
	}
	end(res.StatusCode, nil)
	return res, nil
}
