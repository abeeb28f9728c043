package proxy

import (
	"errors"
	"net/http"
	"strings"
)

// siteHeaders speak for the whole site, not for one answer, or tell about the
// software behind it. An upstream is one of several tenants of this origin, so
// none of them is its to send: with Clear-Site-Data it could sign everybody
// out, with Service-Worker-Allowed read every page, with
// Access-Control-Allow-Origin open the API to other sites. Prefixes are in
// speaksForSite.
var siteHeaders = map[string]bool{
	// Browser policies of an origin or a document.
	"Strict-Transport-Security": true, "Clear-Site-Data": true, "Alt-Svc": true, "Refresh": true, "Service-Worker-Allowed": true,
	"Permissions-Policy": true, "Permissions-Policy-Report-Only": true, "Feature-Policy": true, "Document-Policy": true,
	"Document-Policy-Report-Only": true, "Require-Document-Policy": true, "Integrity-Policy": true, "Integrity-Policy-Report-Only": true,
	"Referrer-Policy": true, "X-Frame-Options": true, "X-Content-Type-Options": true, "X-Xss-Protection": true,
	"X-Permitted-Cross-Domain-Policies": true, "X-Download-Options": true, "X-Dns-Prefetch-Control": true, "Origin-Agent-Cluster": true, "Origin-Trial": true,
	"Timing-Allow-Origin": true, "Supports-Loading-Mode": true, "Speculation-Rules": true, "Activate-Storage-Access": true,
	"Expect-Ct": true, "Public-Key-Pins": true, "Public-Key-Pins-Report-Only": true,
	"Nel": true, "Report-To": true, "Reporting-Endpoints": true,
	"Accept-Ch": true, "Critical-Ch": true, "Set-Login": true, "Set-Cookie2": true,
	"Sec-Session-Registration": true, "Secure-Session-Registration": true, "Secure-Session-Challenge": true,
	// Orders to a web server in front of us.
	"X-Sendfile": true, "X-Lighttpd-Send-File": true, "X-Lighttpd-Sendfile": true, "X-Reproxy-Url": true, "Surrogate-Control": true, "Surrogate-Capability": true,
	// What runs behind it.
	"Server": true, "Via": true, "X-Powered-By": true, "X-Powered-Cms": true, "X-Aspnet-Version": true, "X-Aspnetmvc-Version": true, "X-Generator": true,
	"X-Backend-Server": true, "X-Served-By": true, "X-Server": true,
}

// sitePrefixes cover families of headers whose members keep being added.
var sitePrefixes = []string{"Access-Control-", "Content-Security-Policy", "Cross-Origin-", "X-Accel-"}

func speaksForSite(name string) bool {
	switch name[0] { // the first letters of sitePrefixes: most names are done here
	case 'A', 'C', 'X':
		for _, prefix := range sitePrefixes {
			if strings.HasPrefix(name, prefix) {
				return name != "X-Accel-Buffering" // about this one answer: nginx in front held streams back without it
			}
		}
	}
	return siteHeaders[name]
}

var unbuffered = []string{"no"} // shared: header values are not changed in place

var errBadStatus = errors.New("the upstream answered with an impossible status")

// receive makes an answer one of ours: its header, and what its body needs.
func (ex *exchange) receive(res *http.Response) error {
	if res.StatusCode < 200 {
		return errBadStatus
	}
	ours := ex.w.Header()
	ex.filterResponseHeader(res.Header, ours)
	if _, set := ours["Cache-Control"]; !set && (ex.route.Access != Public || len(res.Header["Set-Cookie"]) > 0) {
		privateAtMost(res.Header)
	}
	mergeVary(res.Header, ours)
	contentType, ok := res.Header["Content-Type"]
	if !ok {
		ours["Content-Type"] = nil // else net/http guesses, and may guess HTML
	} else if isEventStream(contentType[0]) {
		if err := ex.register(false, ex.endStream); err != nil {
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
			if ex.route.ForwardCookies {
				values = ex.route.acceptableCookies(values, ex.proxy.ownCookies)
			} else {
				values = nil
			}
			if len(values) == 0 {
				delete(h, name)
			} else {
				h[name] = values
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
