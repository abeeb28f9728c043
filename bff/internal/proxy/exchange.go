package proxy

import (
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

var (
	errHeaderTimeout = errors.New("no response header within the row's timeout")
	errBodyStalled   = errors.New("the client stopped sending its body")
	errSessionEnded  = errors.New("the session ended")
	errUpstreamGone  = errors.New("the upstream has hung up before the end of the request's body")
	errInformational = errors.New("the upstream sends one 1xx after the other")
)

// maxInformational is how many 1xx an answer may have before it. net/http
// leaves the limit to whoever looks at them, as we do.
const maxInformational = 32

// exchange is one request on its way through, and the context of what is sent
// to the upstream.
type exchange struct {
	cancellation
	Call

	proxy    *Proxy
	in       *http.Request
	route    *route.Route
	pool     *pool
	path     string // for the upstream, as judged
	upstream *upstream
	bearer   string // Authorization of IdentityJWT
	body     *requestBody
	w        responseWriter

	values [9]string // header values, see set
	used   int
	hints  int // 1xx so far

	sends  int           // see mayBeSent
	conn   *upstreamConn // that an http.Transport uses now; nil: none, or HTTP/2
	shared bool          // it is HTTP/2
	stop   func(error)   // ends what an http.Transport does

	// Guards what the transport's goroutines and the handler's share.
	mu         sync.Mutex
	timer      *time.Timer
	waiting    bool // for the client, to send more of its body
	headerDone bool // the response header is here, or will never be
	gone       bool // the upstream is, before the response header

	ended  atomic.Bool // by CloseSession
	stream *stream     // registered; nil for an ordinary answer
	slot   string      // of a live connection, see takeLive; "" for none
}

// startClock begins to count the row's timeout. It counts the time in which
// the upstream keeps us waiting: not while we wait for the client to send more
// of its body, which has StallTimeout, and no longer once the response header
// is here.
func (ex *exchange) startClock() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.timer = time.AfterFunc(ex.route.Timeout, ex.expire)
}

func (ex *exchange) expire() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	switch {
	case ex.waiting:
		ex.cancel(errBodyStalled)
		ex.body.wake()
	case !ex.headerDone: // else it fired while stopClock was on its way
		ex.cancel(errHeaderTimeout)
	}
}

// upstreamGone ends an exchange whose client is waited for to send more of its
// body, which no upstream will read.
func (ex *exchange) upstreamGone() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.headerDone {
		return
	}
	ex.gone = true
	if ex.waiting && !ex.body.complete.Load() { // else that Read finds the end
		ex.cancel(errUpstreamGone)
		ex.body.wake()
	}
}

// waitForClient and stopWaiting are around each read of the client's body. A
// timer that could not be stopped has fired, and waits for the lock: it is the
// side that it was set for that was too late.
func (ex *exchange) waitForClient() error {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.gone && !ex.headerDone {
		ex.cancel(errUpstreamGone)
		return errUpstreamGone
	}
	if !ex.timer.Stop() && !ex.headerDone {
		ex.cancel(errHeaderTimeout)
	}
	ex.waiting = true
	ex.timer.Reset(ex.proxy.stallTimeout)
	return nil
}

func (ex *exchange) stopWaiting() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.timer.Stop() {
		ex.cancel(errBodyStalled)
	}
	ex.waiting = false
	if !ex.headerDone {
		ex.timer.Reset(ex.route.Timeout)
	}
}

// stopClock reports false when the timeout was faster. A client that is still
// sending keeps its own.
func (ex *exchange) stopClock() (inTime bool) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.headerDone = true
	if !ex.waiting {
		ex.timer.Stop()
	}
	return ex.cause() != errHeaderTimeout
}

// informational passes an upstream's 103 Early Hints on, filtered (RFC 8297).
// Its 100 Continue has the transport read the client's body, and that read is
// what sends the client's own, see sendContinue.
func (ex *exchange) informational(code int, header textproto.MIMEHeader) error {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.hints++; ex.hints > maxInformational {
		return errInformational
	}
	if ex.headerDone || !ex.w.informationalAllowed || code != http.StatusEarlyHints {
		return nil
	}
	hints := http.Header(header)
	dropHopByHop(hints)
	ex.filterResponseHeader(hints, ex.w.Header())
	ex.writeInformational(code, hints)
	return nil
}

// sendContinue sends the client the only 100 Continue of its request, just
// before its body is read for the first time, whether an upstream's 100 or the
// end of the transport's wait for one is the cause. An upstream's 100 that was
// passed on as well made two, and net/http, which otherwise sends this one by
// itself, does not keep it apart from a 103 that is on its way out.
func (ex *exchange) sendContinue() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.headerDone {
		ex.writeInformational(http.StatusContinue, nil)
	}
}

// writeInformational goes around the caller's writers, which may take any
// WriteHeader for the final one; BeforeHeader is not called. ex.mu is held.
func (ex *exchange) writeInformational(code int, header http.Header) {
	w := innermost(ex.w.ResponseWriter)
	h := w.Header()
	final := maps.Clone(h)
	clear(h)
	maps.Copy(h, header)
	w.WriteHeader(code)
	clear(h)
	maps.Copy(h, final)
}

func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// problem finds out what an error on the way means.
func (ex *exchange) problem(err error) *Error {
	e := &Error{Kind: Unreachable, Route: ex.route.Path, Cause: err}
	if ex.body != nil {
		if fault := ex.body.fault.Load(); fault != nil {
			return fault
		}
	}
	switch cause := ex.cause(); {
	case errors.Is(err, errTooManyLive):
		e.Kind = TooManyLive
	case errors.Is(err, errSessionEnded), errors.Is(cause, errSessionEnded):
		e.Kind = SessionEnded
	case errors.Is(cause, errHeaderTimeout):
		e.Kind = Timeout
	case errors.Is(cause, errBodyStalled):
		e.Kind = BodyStalled
	case errors.Is(cause, errUpstreamGone):
		e.Cause = errors.Join(err, cause)
	case cause != nil:
		e.Kind = ClientGone
	}
	return e
}
