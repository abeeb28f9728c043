package proxy

import (
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// relay is a whole exchange. It does what httputil.ReverseProxy does, whose
// copies of what nobody changes were a quarter of a request's allocations, and
// which keeps a request for as long as its WebSocket lives.
func (p *Proxy) relay(ex *exchange) {
	res, err := p.send(ex, ex.outgoing())
	if err != nil {
		p.fail(ex, err)
		return
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		if err := ex.switchProtocols(res); err != nil {
			p.fail(ex, err)
		}
		return
	}
	defer res.Body.Close()
	dropHopByHop(res.Header)
	if err := ex.receive(res); err != nil {
		p.fail(ex, err)
		return
	}
	h := ex.w.Header()
	addHeader(h, res.Header)
	announced := len(res.Trailer)
	if announced > 0 {
		addHeader(h, http.Header{"Trailer": {joinNames(res.Trailer)}})
	}
	ex.w.WriteHeader(res.StatusCode)
	if err := p.copyBody(&ex.w, res); err != nil {
		panic(http.ErrAbortHandler) // the client must not take what it has for the whole answer
	}
	ex.filterTrailer(res.Trailer) // with what came behind the body
	writeTrailers(&ex.w, res.Trailer, announced)
}

// outgoing is the request as the upstream gets it, but for the address.
func (ex *exchange) outgoing() *http.Request {
	in := ex.in
	h := make(http.Header, len(in.Header)+8)
	maps.Copy(h, in.Header)
	dropHopByHop(h)
	if lists(in.Header["Te"], "trailers") {
		h["Te"] = []string{"trailers"}
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // else net/http gives its own
	}
	ex.rewriteRequestHeader(in, h)
	if wantsUpgrade(in.Header) {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	out := in.WithContext(ex)
	out.Header, out.Host, out.Close = h, "", false
	// The bytes that were judged are the bytes that are sent. Path would be
	// encoded anew, with other rules than the client's.
	out.URL = &url.URL{Opaque: ex.path, Path: ex.path, RawQuery: in.URL.RawQuery, ForceQuery: in.URL.ForceQuery}
	out.Body, out.Trailer = nil, nil
	if ex.body != nil {
		out.Body = ex.body
		if ex.body.trailers = announcedTrailers(in.Trailer); ex.body.trailers != nil {
			out.Trailer = ex.body.trailers
		}
	}
	return out
}

// hopByHop are about one connection (RFC 9110 §7.6.1), whether Connection
// names them or not.
var hopByHop = [...]string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func dropHopByHop(h http.Header) {
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// addHeader adds from to h. Values are shared, and never changed in place.
func addHeader(h, from http.Header) {
	for name, values := range from {
		if there := h[name]; len(there) > 0 {
			values = append(there[:len(there):len(there)], values...)
		}
		h[name] = values
	}
}

func joinNames(h http.Header) string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// copyBody sends what comes of an answer on. What has no length may be
// somebody's live stream: none of it waits for more.
func (p *Proxy) copyBody(w *responseWriter, res *http.Response) error {
	if res.Body == http.NoBody {
		return nil
	}
	live := res.ContentLength < 0 || w.ex.stream != nil
	if live {
		_ = w.FlushError() // the first Write says what is wrong
	}
	buf := p.buffers.Get()
	defer p.buffers.Put(buf)
	for {
		n, readErr := res.Body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			if live {
				_ = w.FlushError()
			}
		}
		switch readErr {
		case nil:
		case io.EOF:
			return nil
		default:
			return readErr
		}
	}
}

// writeTrailers are those of a body that is complete. An upstream may send
// some that it has not announced.
func writeTrailers(w *responseWriter, trailers http.Header, announced int) {
	if len(trailers) == 0 {
		return
	}
	_ = w.FlushError() // makes it chunks, however short: a length would have no place for trailers
	if len(trailers) == announced {
		addHeader(w.Header(), trailers)
		return
	}
	for name, values := range trailers {
		w.Header()[http.TrailerPrefix+name] = values
	}
}
