package proxy

import (
	"net/http"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/upstream"
)

var unbuffered = []string{"no"} // shared: header values are not changed in place

// receive makes an answer one of ours: its header, and what its body needs.
func (ex *exchange) receive(res *http.Response) error {
	if res.StatusCode < 200 {
		return upstream.ErrBadStatus
	}
	ours := ex.w.Header()
	ex.filterResponseHeader(res.Header, ours)
	ex.limitReuse(res.Header, ours)
	mergeVary(res.Header, ours)
	contentType, ok := res.Header["Content-Type"]
	if !ok {
		ours["Content-Type"] = nil // else net/http guesses, and may guess HTML
	} else if isEventStream(contentType[0]) {
		if !ex.takeLive() {
			return errTooManyLive
		}
		if err := ex.registerStream(false, ex.endStream); err != nil {
			return err
		}
		res.Header["X-Accel-Buffering"] = unbuffered
		res.Body = &eventStream{res.Body, ex}
	}
	ex.filterTrailer(res.Trailer) // the announced names
	if len(res.Trailer) > 0 && ex.in.ProtoMajor == 1 {
		delete(res.Header, "Content-Length") // HTTP/2 has both, HTTP/1.1 sends trailers after chunks only
	}
	return nil
}

// filterResponseHeader takes out of an upstream's header h, in place, what is
// not its to say. ours is what the gatehouse has already set on this answer:
// it stays alone, so that no header is there twice with two meanings. It is
// used on the final header, on 103 Early Hints and on trailers alike: a
// Set-Cookie works in all three.
func (ex *exchange) filterResponseHeader(h, ours http.Header) {
	for name, values := range h {
		switch {
		case name == "" || speaksForSite(name):
			delete(h, name)
		case name == "Set-Cookie":
			if ex.Route.ForwardCookies {
				values = acceptableCookies(ex.Route, values, ex.proxy.ownCookies)
			} else {
				values = nil
			}
			if len(values) == 0 {
				delete(h, name)
			} else {
				h[name] = values
			}
		case name == "X-Accel-Buffering":
			if len(values) > 1 || len(values) == 1 && values[0] != "no" && values[0] != "yes" {
				delete(h, name)
			}
		case name == "Www-Authenticate":
			if asksBrowserForPassword(values) {
				delete(h, name)
			}
		case name == "Location", name == "Content-Location":
			ex.rewriteLocation(h, name)
		case name == "Link":
			ex.rewriteLinks(h)
		case name == "Vary":
		default:
			if _, set := ours[name]; set {
				delete(h, name)
			}
		}
	}
}

// asksBrowserForPassword reports whether a challenge makes a browser open its
// own password dialog under our address. What is typed there would come as
// Authorization with every request to any path of the site, for as long as the
// browser runs.
func asksBrowserForPassword(challenges []string) bool {
	for _, v := range challenges {
		for part := range strings.SplitSeq(v, ",") {
			scheme, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			switch strings.ToLower(scheme) {
			case "basic", "digest", "negotiate", "ntlm":
				return true
			}
		}
	}
	return false
}

// framingTrailers may not come after a body (RFC 9110 §6.5.1): a recipient
// that merges trailers into the header would read the message anew.
var framingTrailers = map[string]bool{
	"Content-Length": true, "Transfer-Encoding": true, "Content-Encoding": true, "Content-Type": true, "Content-Range": true,
	"Trailer": true, "Host": true, "Connection": true, "Upgrade": true, "Te": true, "Keep-Alive": true,
	"Set-Cookie": true, "Cache-Control": true, "Expires": true, "Location": true, "Www-Authenticate": true, "Authorization": true, "Age": true, "Vary": true,
}

func (ex *exchange) filterTrailer(h http.Header) {
	if len(h) == 0 {
		return
	}
	ex.filterResponseHeader(h, ex.w.Header())
	for name := range h {
		if framingTrailers[name] {
			delete(h, name)
		}
	}
}
