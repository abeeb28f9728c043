package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

var errDetached = errors.New("the request is over")

// requestBody is the client's body on its way to the upstream: it enforces the
// row's max_body, also where no length was announced, has the client's clock run
// instead of the row's while it waits for the client, and hands the trailers over at the end.
type requestBody struct {
	ex   *exchange
	src  io.Reader
	left int64 // bytes still allowed; NoLimit: any number

	in       *http.Request // its Trailer is filled in at the end of src
	trailers http.Header   // of the outgoing request; announced names only

	read     int64                 // bytes
	kept     []byte                // all of them, while no upstream has been sent any
	again    int                   // of kept, sent once more
	complete atomic.Bool           // all of it has been read
	fault    atomic.Pointer[Error] // why it is not going to be complete
	detached atomic.Bool
	reading  sync.Mutex // held by a Read of src
	expected bool       // the client waits for a 100 Continue; false once it is sent
}

// expectsContinue reports whether the client holds its body back until a 100
// Continue. net/http sends it for HTTP/2.
func expectsContinue(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) && lists(r.Header["Expect"], "100-continue")
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.detached.Load() {
		return 0, errDetached
	}
	if b.again < len(b.kept) {
		n := copy(p, b.kept[b.again:])
		b.again += n
		return n, nil
	}
	if b.left != route.NoLimit && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed shows that there is more
	}
	n, err := b.readOn(p)
	if b.left != route.NoLimit {
		if int64(n) > b.left {
			b.fault.Store(b.ex.tooLarge())
			return int(b.left), b.fault.Load()
		}
		b.left -= int64(n)
	}
	b.read += int64(n)
	b.keep(p[:n])
	if err == io.EOF || b.read == b.in.ContentLength {
		b.complete.Store(true)
	}
	switch {
	case err == io.EOF:
		for name := range b.trailers {
			b.trailers[name] = b.in.Trailer[name]
		}
	case err != nil && b.ex.Err() == nil:
		fault := &Error{Kind: BadBody, Route: b.ex.Route.Path, Cause: err}
		if limit, ok := errors.AsType[*http.MaxBytesError](err); ok { // the caller's own limit
			fault.Kind, fault.Limit = BodyTooLarge, limit.Limit
		}
		b.fault.Store(fault)
	}
	return n, err
}

// maxKept is more than http.Transport reads before it writes.
const maxKept = 4 << 10

// keep takes what http.Transport reads of a body before it writes to a connection
// that was idle, and may turn out to be closed then. It is the first byte of
// chunks that come with a method which mostly has no body.
func (b *requestBody) keep(p []byte) {
	if b.ex.Unsent() && len(b.kept)+len(p) <= maxKept {
		b.kept = append(b.kept, p...)
		b.again = len(b.kept)
	} else {
		b.kept, b.again = nil, 0
	}
}

// rewind reports whether the body can be sent from its start, and has it sent
// from there. It is called only when nothing of the request was sent.
func (b *requestBody) rewind() bool {
	if int64(len(b.kept)) != b.read || b.fault.Load() != nil {
		return false
	}
	b.again = 0
	return true
}

func (b *requestBody) readOn(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.detached.Load() {
		return 0, errDetached
	}
	if b.expected {
		b.expected = false
		b.ex.sendContinue()
	}
	if err := b.ex.waitForClient(); err != nil {
		return 0, err
	}
	defer b.ex.stopWaiting()
	return b.src.Read(p)
}

// wake ends a Read of src: the transport answers nobody before its own has
// returned.
func (b *requestBody) wake() {
	_ = http.NewResponseController(b.ex.w.ResponseWriter).SetReadDeadline(time.Unix(1, 0))
}

// Close does nothing: the transport closes the body of a request it could not
// send, and it may be needed for another upstream then.
func (b *requestBody) Close() error { return nil }

// detach keeps the transport, whose goroutine may outlive the handler, from
// reading on. What the client has yet to send is read by the server before the
// connection is closed, in whatever time it takes: clients that announced a
// body to an upstream that answers early held their connections for good. So
// they have leftoverTime. It is set when no Read is under way any more: the one
// that is woken resets the deadline.
func (b *requestBody) detach() {
	b.detached.Store(true)
	b.ex.DetachBody()
	if b.complete.Load() || b.in.ProtoMajor != 1 {
		return
	}
	b.wake()
	b.reading.Lock()
	defer b.reading.Unlock()
	_ = http.NewResponseController(b.ex.w.ResponseWriter).SetReadDeadline(time.Now().Add(b.ex.proxy.leftoverTime))
}

// leftoverTime is by the machine's clock, like every deadline of a connection.
const leftoverTime = 5 * time.Second

func (ex *exchange) tooLarge() *Error {
	return &Error{Kind: BodyTooLarge, Route: ex.Route.Path, Limit: ex.Route.MaxBody}
}

// announcedTrailers is the part of a client's announced trailers that may
// arrive: some servers merge trailers into the header, so the rules are the
// same, and stricter where a name is about framing.
func announcedTrailers(in http.Header) http.Header {
	var out http.Header
	for name := range in {
		if ruleFor(name) == passes && !framingTrailers[name] {
			if out == nil {
				out = make(http.Header, len(in))
			}
			out[name] = nil
		}
	}
	return out
}
