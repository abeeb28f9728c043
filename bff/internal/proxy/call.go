package proxy

import (
	"net/http"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// Call is a request to forward: for whom, and who decides about its session.
type Call struct {
	Who      route.Identity // of the client; the zero value without a session
	ClientIP string         // for X-Forwarded-For
	Caller   Caller
}

// Caller is the part of a request that the proxy leaves to its caller. It is an
// interface because four functions would be four allocations for each request.
type Caller interface {
	// Alive reports whether the session has not been revoked. It is called when a
	// stream with a session begins, and must not block.
	Alive() bool
	// StreamEnd returns the latest end of a stream's session, the zero time for
	// never. It is called when a stream with a session begins.
	StreamEnd() time.Time
	// OnError answers a request that could not be forwarded. It is called at most
	// once, and only while an answer is possible, except for ClientGone, when it is
	// of use for the log only.
	OnError(w http.ResponseWriter, err *Error)
	// BeforeHeader is called once, when the final header or that of a 101 is about
	// to be written, also before OnError's, and may add to it. It is not called for
	// any other 1xx.
	BeforeHeader(h http.Header)
}
