package proxy

import (
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// relay forwards a request and its response, like httputil.ReverseProxy. That one
// copied headers that are never changed, a quarter of a request's allocations, and
// kept a request in memory as long as its WebSocket.
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
	announced := len(res.Trailer)
	if announced > 0 { // the first Read of a short body fills in the trailers, announced or not
		res.Header["Trailer"] = []string{joinNames(res.Trailer)}
	}
	if err := p.sendBody(ex, res); err != nil {
		if !ex.w.done {
			p.fail(ex, err)
			return
		}
		ex.breakOff()
	}
	ex.filterTrailer(res.Trailer) // with what came behind the body
	writeTrailers(&ex.w, res.Trailer, announced)
}

// send sends the request of an exchange, with the row's timeout.
func (p *Proxy) send(ex *exchange, r *http.Request) (*http.Response, error) {
	start := p.now()
	ex.startClock()
	res, err := p.upstreams.Send(&ex.Request, r)
	inTime := ex.stopClock()
	if err == nil && !inTime {
		res.Body.Close()
		return nil, errHeaderTimeout
	}
	if err == nil && p.observe.Answered != nil {
		p.observe.Answered(ex.Route.Path, res.StatusCode, p.now().Sub(start))
	}
	return res, err
}

// outgoing makes the request for the upstream, without the address.
func (ex *exchange) outgoing() *http.Request {
	in := ex.in
	h := make(http.Header, len(in.Header)+8)
	maps.Copy(h, in.Header)
	dropHopByHop(h)
	if lists(in.Header["Te"], "trailers") {
		h["Te"] = []string{"trailers"}
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // else net/http sends its own
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

// hopByHop headers concern one connection (RFC 9110 §7.6.1), whether Connection
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

// addHeader adds the values of from to h. The slices are shared, so nothing may
// change them in place.
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

// writeTrailers sends the trailers after a complete body. An upstream may send
// trailers that it has not announced.
func writeTrailers(w *responseWriter, trailers http.Header, announced int) {
	if len(trailers) == 0 {
		return
	}
	_ = w.FlushError() // has short bodies sent in chunks too: with a Content-Length there is no place for trailers
	if len(trailers) == announced {
		addHeader(w.Header(), trailers)
		return
	}
	for name, values := range trailers {
		w.Header()[http.TrailerPrefix+name] = values
	}
}
