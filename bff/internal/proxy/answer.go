package proxy

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// headWait is how long the header of an answer without a length waits for the
// first byte of the body. An upstream that fails in between is answered with 502;
// the client of a stream that is silent at first does not notice the delay.
var headWait = 100 * time.Millisecond

// sendBody streams the response. The header is kept until the first byte of the
// body is here: the client of an answer that breaks off before that gets a 502.
//
// Responses of unknown length may be live streams, and are flushed after each read.
// The header of an event stream is flushed at once: a browser gives an EventSource
// up for good when it gets a 502, and reconnects when the stream breaks off.
func (p *Proxy) sendBody(ex *exchange, res *http.Response) error {
	if res.Body == http.NoBody {
		ex.writeHead(res)
		return nil
	}
	buf := p.buffers.Get()
	defer p.buffers.Put(buf)
	live := res.ContentLength < 0 || ex.stream != nil
	n, readErr := ex.readFirst(res, buf)
	if n == 0 && readErr != io.EOF && !ex.w.done {
		return readErr
	}
	if !ex.w.done {
		ex.writeHead(res)
	}
	for {
		if n > 0 {
			if _, err := ex.w.Write(buf[:n]); err != nil {
				return err
			}
			if live {
				_ = ex.w.FlushError()
			}
		}
		switch readErr {
		case nil:
		case io.EOF:
			return nil
		default:
			return readErr
		}
		n, readErr = res.Body.Read(buf)
	}
}

func (ex *exchange) writeHead(res *http.Response) {
	addHeader(ex.w.Header(), res.Header)
	ex.w.WriteHeader(res.StatusCode)
}

func (ex *exchange) writeHeadNow(res *http.Response) {
	ex.writeHead(res)
	_ = ex.w.FlushError() // the first Write returns the error
}

// readFirst is the first Read of a body, with at least one byte or an error. The
// header may have left by then.
func (ex *exchange) readFirst(res *http.Response, buf []byte) (n int, err error) {
	switch {
	case ex.stream != nil:
		ex.writeHeadNow(res)
	case res.ContentLength < 0:
		var once sync.Once
		timer := time.AfterFunc(headWait, func() { once.Do(func() { ex.writeHeadNow(res) }) })
		defer once.Do(func() { timer.Stop() }) // or waits until the header is out
	}
	for n == 0 && err == nil {
		n, err = res.Body.Read(buf)
	}
	return n, err
}

// breakOff ends an answer in its middle. It flushes header and body first: they
// used to be dropped with net/http's buffers, and a browser sends a POST that got an
// empty reply again, up to four times. The client must see that the answer is not
// complete.
func (ex *exchange) breakOff() {
	_ = ex.w.FlushError()
	if ex.in.ProtoMajor == 1 {
		if unread := ex.body != nil && !ex.body.complete.Load(); unread || ex.endsWithConn() {
			ex.hangUp(unread)
		}
	}
	panic(http.ErrAbortHandler) // the client must not take what it has for the whole answer
}

// endsWithConn reports whether the answer has neither a length nor chunks, which
// HTTP/1.0 does not know: closing the connection would complete it.
func (ex *exchange) endsWithConn() bool {
	return !ex.in.ProtoAtLeast(1, 1) && len(ex.w.Header()["Content-Length"]) == 0
}

// hangUp closes the client's connection where net/http closes it the wrong way.
// Closing with unread bytes of a request resets the connection, and a client that
// is still sending may lose the part of the answer that it has not read: the rest
// of the request is read for leftoverTime. A response of HTTP/1.0 that ends with
// the connection needs the reset, which is the only sign that it is not complete.
func (ex *exchange) hangUp(unread bool) {
	if ex.body != nil {
		ex.body.detach()
	}
	conn, _, err := http.NewResponseController(ex.w.ResponseWriter).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if ex.endsWithConn() {
		if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); unread && ok && half.CloseWrite() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(ex.proxy.leftoverTime))
		_, _ = io.Copy(io.Discard, conn)
	}
}
