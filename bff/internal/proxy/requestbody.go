package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

var errDetached = errors.New("the request is over")

// requestBody is the client's body on its way to the upstream: it enforces the
// row's max_body, also where no length was announced, stops the row's clock
// while it waits for the client, and hands the trailers over at the end.
type requestBody struct {
	ex   *exchange
	src  io.Reader
	left int64 // bytes still allowed; NoLimit: any number

	in       *http.Request // its Trailer is filled in at the end of src
	trailers http.Header   // of the outgoing request; announced names only

	read     int64                 // bytes
	complete atomic.Bool           // all of it has been read
	fault    atomic.Pointer[Error] // why it is not going to be complete
	detached atomic.Bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.detached.Load() {
		return 0, errDetached
	}
	if b.left != NoLimit && int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more than allowed shows that there is more
	}
	b.ex.pauseClock()
	n, err := b.src.Read(p)
	b.ex.resumeClock()
	if b.left != NoLimit {
		if int64(n) > b.left {
			b.fault.Store(b.ex.tooLarge())
			return int(b.left), b.fault.Load()
		}
		b.left -= int64(n)
	}
	b.read += int64(n)
	if err == io.EOF || b.read == b.in.ContentLength {
		b.complete.Store(true)
	}
	switch {
	case err == io.EOF:
		for name := range b.trailers {
			b.trailers[name] = b.in.Trailer[name]
		}
	case err != nil && b.ex.Err() == nil:
		fault := &Error{Kind: BadBody, Route: b.ex.route.Path, Cause: err}
		if limit, ok := errors.AsType[*http.MaxBytesError](err); ok { // the caller's own limit
			fault.Kind, fault.Limit = BodyTooLarge, limit.Limit
		}
		b.fault.Store(fault)
	}
	return n, err
}

// Close does nothing: the transport closes the body of a request it could not
// send, and it may be needed for another upstream then.
func (b *requestBody) Close() error { return nil }

// detach keeps the transport, whose goroutine may outlive the handler, from
// reading on; the server itself wakes a Read that waits for the client.
func (b *requestBody) detach() { b.detached.Store(true) }

func (ex *exchange) tooLarge() *Error {
	return &Error{Kind: BodyTooLarge, Route: ex.route.Path, Limit: ex.route.MaxBody}
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
