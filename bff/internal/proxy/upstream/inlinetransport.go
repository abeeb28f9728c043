package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"sync"
	"time"
)

// inlineTransport sends requests without a body to
// cleartext HTTP/1.1 upstreams, which is most of what passes. It speaks on the
// goroutine of its caller: http.Transport has two more for each connection, and
// handing every exchange over and back cost as much as the exchange.
//
// The bytes are those of net/http, Request.Write and ReadResponse. What is ours
// is which connection is used, and for how long.
type inlineTransport struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	now  func() time.Time

	mu   sync.Mutex
	idle map[string]*idlePool // by address
}

// roundTrip sends the request of an exchange, which has no body and asks for no
// upgrade.
func (t *inlineTransport) roundTrip(q *Request, r *http.Request) (*http.Response, error) {
	pool := t.pool(r.URL.Host)
	var c *inlineConn
	for fresh := false; ; {
		if c = nil; !fresh {
			c = pool.take()
		}
		reused := c != nil
		if !reused {
			conn, err := t.dial(q, "tcp", address(r.URL))
			if err != nil {
				return nil, err
			}
			c = newInlineConn(conn, pool)
		}
		res, err := c.exchange(q, r)
		if err == nil {
			return res, nil
		}
		c.Close()
		if why := q.Cause(); why != nil {
			return nil, why
		}
		if c.written > 0 {
			q.sends++
		}
		if !q.mayRetryInline(reused, c.answered) {
			return nil, err
		}
		fresh = !errors.Is(err, errStaleConn)
	}
}

func address(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

func (t *inlineTransport) pool(addr string) *idlePool {
	t.mu.Lock()
	defer t.mu.Unlock()
	pool := t.idle[addr]
	if pool == nil {
		if t.idle == nil {
			t.idle = make(map[string]*idlePool)
		}
		pool = &idlePool{now: t.now}
		t.idle[addr] = pool
	}
	return pool
}

// closeIdle closes the idle connections.
func (t *inlineTransport) closeIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, pool := range t.idle {
		pool.closeAll()
	}
}

// inlineConn is a connection to an upstream. One goroutine uses it at a time.
type inlineConn struct {
	net.Conn
	pool  *idlePool
	br    *bufio.Reader // of the inlineConn, so that Read counts
	check *connCheck
	since time.Time // that it is idle

	limit    int64 // bytes that may still be read
	unasked  bool  // it was idle, and may have been closed
	written  int64 // of this request
	answered bool  // the first byte of this answer has been seen

	abort func() // wakes Read and Write for good
}

func newInlineConn(conn net.Conn, pool *idlePool) *inlineConn {
	c := &inlineConn{Conn: conn, pool: pool, check: newConnCheck(conn)}
	c.br = bufio.NewReader(c)
	c.abort = func() { _ = conn.SetDeadline(time.Unix(1, 0)) }
	return c
}

var errHeaderTooLong = errors.New("the upstream's header is longer than 1 MiB")

func (c *inlineConn) Read(p []byte) (int, error) {
	if c.limit <= 0 {
		return 0, errHeaderTooLong
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.limit)])
	c.limit -= int64(n)
	c.answered = c.answered || n > 0
	return n, err
}

// Write asks an idle connection whether it is open and silent at the last
// moment before a request's first byte. What an upstream says between two answers
// would be taken for the next one.
func (c *inlineConn) Write(p []byte) (int, error) {
	if c.unasked {
		if c.unasked = false; !c.check.openAndSilent() {
			return 0, errStaleConn
		}
	}
	n, err := c.Conn.Write(p)
	c.written += int64(n)
	return n, err
}

// exchange sends r and reads the header of its answer. The connection goes
// back, or is closed, with the end of the answer's body.
func (c *inlineConn) exchange(q *Request, r *http.Request) (*http.Response, error) {
	c.written, c.answered = 0, false
	q.setAbort(c.abort)
	res, err := c.send(q, r)
	if err != nil {
		q.clearAbort()
		return nil, err
	}
	body := &inlineBody{q: q, conn: c, src: res.Body, keep: !res.Close}
	if res.Body == http.NoBody {
		body.end(true)
		return res, nil
	}
	res.Body = body
	return res, nil
}

var requestWriters = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}

func (c *inlineConn) send(q *Request, r *http.Request) (*http.Response, error) {
	bw := requestWriters.Get().(*bufio.Writer)
	bw.Reset(c)
	err := r.Write(bw)
	if err == nil {
		err = bw.Flush()
	}
	bw.Reset(nil)
	requestWriters.Put(bw)
	if err != nil {
		return nil, err
	}
	c.limit = maxUpstreamHeader
	for {
		res, err := http.ReadResponse(c.br, r)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, ErrBadStatus // nobody has asked for it
		case res.StatusCode < 100 || res.StatusCode > 199:
			c.limit = math.MaxInt64
			return res, nil
		}
		if err := q.Sender.Informational(res.StatusCode, textproto.MIMEHeader(res.Header)); err != nil {
			return nil, err
		}
		c.limit = maxUpstreamHeader // they are counted
	}
}

// inlineBody is the body of an answer.
type inlineBody struct {
	q    *Request
	conn *inlineConn // nil at the end
	src  io.Reader
	keep bool
	err  error // what Read answers at the end
}

func (b *inlineBody) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if err != nil {
		b.err = err
		b.end(err == io.EOF)
	}
	return n, err
}

var errBodyClosed = errors.New("read of a closed body")

// Close ends the exchange. An answer that was not read to its end has the
// connection closed: the rest may be long.
func (b *inlineBody) Close() error {
	if b.conn != nil {
		b.err = errBodyClosed
		b.end(false)
	}
	return nil
}

// end gives the connection back when nothing is left of the exchange: an abort
// that has begun may strike at any time, and bytes behind the answer belong to
// none.
func (b *inlineBody) end(complete bool) {
	c := b.conn
	b.conn = nil
	if whole := b.q.clearAbort() && complete; whole && b.keep && c.br.Buffered() == 0 {
		c.pool.put(c)
		return
	}
	c.Close()
}
