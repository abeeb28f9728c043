package proxy

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/socket"
)

// responseWriter calls BeforeHeader just before the final header is written, and
// knows whether an error can still be answered.
type responseWriter struct {
	http.ResponseWriter
	ex                   *exchange
	informationalAllowed bool // HTTP/1.0 clients know no 1xx (RFC 9110 §15.2)
	done                 bool // header written, or connection taken over
}

func (w *responseWriter) WriteHeader(code int) {
	if w.done {
		return
	}
	w.done = true
	if body := w.ex.body; body != nil && !body.complete.Load() && w.ex.in.ProtoMajor == 1 {
		// The answer comes before the end of the body. To keep the connection
		// the server would swallow the rest of it now, while the transport is
		// still sending it upstream.
		w.Header()["Connection"] = []string{"close"}
	}
	w.ex.Caller.BeforeHeader(w.Header())
	w.ResponseWriter.WriteHeader(code)
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// FlushError implements what [http.ResponseController] looks for. It must not
// be left to Unwrap: flushing writes a header that is not written yet.
func (w *responseWriter) FlushError() error {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over for a WebSocket; the header of the 101 is
// written right after it.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	// Registered before the connection is taken, so that a session that has ended
	// meanwhile can still be answered with a status.
	s := socket.New()
	if err := w.ex.registerStream(true, s.CloseWithFrame); err != nil {
		return nil, nil, err
	}
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.done = true
	w.ex.Caller.BeforeHeader(w.Header())
	s.Attach(conn, rw)
	return s, rw, nil
}

func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
