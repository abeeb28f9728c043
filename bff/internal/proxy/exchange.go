package proxy

import (
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

var (
	errHeaderTimeout = errors.New("no response header within the row's timeout")
	errBodyStalled   = errors.New("the client stopped sending its body")
	errSessionEnded  = errors.New("the session ended")
	errInformational = errors.New("the upstream sends one 1xx after the other")
)

// maxInformational is how many 1xx an answer may have before it. net/http
// leaves the limit to whoever looks at them, as we do.
const maxInformational = 32

// exchange is one request on its way through, and the context of what is sent
// to the upstream.
type exchange struct {
	upstream.Request
	Call

	proxy  *Proxy
	in     *http.Request
	path   string // for the upstream, as judged
	bearer string // Authorization of IdentityJWT
	body   *requestBody
	w      responseWriter

	values [9]string // header values, see set
	used   int
	hints  int // 1xx so far

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

// RewindBody implements [upstream.Sender].
func (ex *exchange) RewindBody() bool { return ex.body.rewind() }

// startClock begins to count the row's timeout. It counts the time in which
// the upstream keeps us waiting: not while we wait for the client to send more
// of its body, which has StallTimeout, and no longer once the response header
// is here.
func (ex *exchange) startClock() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.timer = time.AfterFunc(ex.Route.Timeout, ex.expire)
}

func (ex *exchange) expire() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	switch {
	case ex.waiting:
		ex.Cancel(errBodyStalled)
		ex.body.wake()
	case !ex.headerDone: // else it fired while stopClock was on its way
		ex.Cancel(errHeaderTimeout)
	}
}

// UpstreamGone implements [upstream.Sender]: it ends an exchange whose client is waited for to send more of its
// body, which no upstream will read.
func (ex *exchange) UpstreamGone() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.headerDone {
		return
	}
	ex.gone = true
	if ex.waiting && !ex.body.complete.Load() { // else that Read finds the end
		ex.Cancel(upstream.ErrGone)
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
		ex.Cancel(upstream.ErrGone)
		return upstream.ErrGone
	}
	if !ex.timer.Stop() && !ex.headerDone {
		ex.Cancel(errHeaderTimeout)
	}
	ex.waiting = true
	ex.timer.Reset(ex.proxy.stallTimeout)
	return nil
}

func (ex *exchange) stopWaiting() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.timer.Stop() {
		ex.Cancel(errBodyStalled)
	}
	ex.waiting = false
	if !ex.headerDone {
		ex.timer.Reset(ex.Route.Timeout)
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
	return ex.Cause() != errHeaderTimeout
}

// Informational implements [upstream.Sender]: it passes an upstream's 103 Early Hints on, filtered (RFC 8297).
// Its 100 Continue has the transport read the client's body, and that read is
// what sends the client's own, see sendContinue.
func (ex *exchange) Informational(code int, header textproto.MIMEHeader) error {
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
	e := &Error{Kind: Unreachable, Route: ex.Route.Path, Cause: err}
	if ex.body != nil {
		if fault := ex.body.fault.Load(); fault != nil {
			return fault
		}
	}
	switch cause := ex.Cause(); {
	case errors.Is(err, errTooManyLive):
		e.Kind = TooManyLive
	case errors.Is(err, errSessionEnded), errors.Is(cause, errSessionEnded):
		e.Kind = SessionEnded
	case errors.Is(cause, errHeaderTimeout):
		e.Kind = Timeout
	case errors.Is(cause, errBodyStalled):
		e.Kind = BodyStalled
	case errors.Is(cause, upstream.ErrGone):
		e.Cause = errors.Join(err, cause)
	case cause != nil:
		e.Kind = ClientGone
	}
	return e
}
