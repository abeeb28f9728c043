package proxy

import "strings"

// siteHeaders speak for the whole site, not for one answer, or tell about the
// software behind it. An upstream is one of several tenants of this origin, so
// none of them is its to send: with Clear-Site-Data it could sign everybody
// out, with Service-Worker-Allowed read every page, with
// Access-Control-Allow-Origin open the API to other sites, with
// Use-As-Dictionary have a browser read other answers with bytes of its own.
// Prefixes are in sitePrefixes.
//
// The list was made from the registries of IANA and MDN. Left to the upstream
// is what is about its own answer alone: SourceMap and Server-Timing (read by
// developers), No-Vary-Search (reuse among queries of one path, which Vary
// still keys), Deprecation and Sunset, X-Robots-Tag, Accept-Patch and its like,
// digests, signatures. Available-Dictionary is a request's.
var siteHeaders = map[string]bool{
	// Policies of an origin or a document.
	"Strict-Transport-Security": true, "Clear-Site-Data": true, "Alt-Svc": true, "Refresh": true, "Service-Worker-Allowed": true,
	"Permissions-Policy": true, "Permissions-Policy-Report-Only": true, "Feature-Policy": true, "Document-Policy": true,
	"Document-Policy-Report-Only": true, "Require-Document-Policy": true, "Document-Isolation-Policy": true, "Document-Isolation-Policy-Report-Only": true,
	"Integrity-Policy": true, "Integrity-Policy-Report-Only": true, "Connection-Allowlist": true, "Connection-Allowlist-Report-Only": true,
	"Referrer-Policy": true, "X-Frame-Options": true, "X-Content-Type-Options": true, "X-Xss-Protection": true,
	"X-Permitted-Cross-Domain-Policies": true, "X-Download-Options": true, "X-Dns-Prefetch-Control": true, "Origin-Agent-Cluster": true, "Origin-Isolation": true,
	"Origin-Trial": true, "Timing-Allow-Origin": true, "Supports-Loading-Mode": true, "Speculation-Rules": true, "Activate-Storage-Access": true,
	"Expect-Ct": true, "Public-Key-Pins": true, "Public-Key-Pins-Report-Only": true, "X-Ua-Compatible": true, "Large-Allocation": true,
	"X-Webkit-Csp": true, "X-Webkit-Csp-Report-Only": true, "X-Content-Security-Policy": true, "X-Content-Security-Policy-Report-Only": true,
	// What a browser keeps for the origin, sends with later requests, or reports.
	"Nel": true, "Report-To": true, "Reporting-Endpoints": true, "Use-As-Dictionary": true, "Set-Cookie2": true, "P3p": true,
	"Accept-Ch": true, "Accept-Ch-Lifetime": true, "Critical-Ch": true, "Set-Login": true, "Idp-Signin-Status": true,
	"Shared-Storage-Write": true, "Observe-Browsing-Topics": true, "X-Allow-Fledge": true, "Sec-Private-State-Token": true,
	// Orders to a web server in front of us.
	"X-Sendfile": true,
	// What runs behind it.
	"Server": true, "Via": true, "Proxy-Status": true, "X-Powered-By": true, "X-Powered-Cms": true, "X-Aspnet-Version": true, "X-Aspnetmvc-Version": true,
	"X-Generator": true, "X-Backend-Server": true, "X-Served-By": true, "X-Server": true,
}

// sitePrefixes cover families of headers whose members keep being added.
var sitePrefixes = []string{
	"Access-Control-", "Ad-Auction-", "Attribution-Reporting-", "Content-Security-Policy", "Cross-Origin-",
	"Sec-Session-", "Secure-Session-", "Surrogate-", "X-Accel-", "X-Lighttpd-", "X-Litespeed-", "X-Reproxy-",
}

func speaksForSite(name string) bool {
	switch name[0] { // the first letters of sitePrefixes: most names are done here
	case 'A', 'C', 'S', 'X':
		for _, prefix := range sitePrefixes {
			if strings.HasPrefix(name, prefix) {
				return name != "X-Accel-Buffering" // about this one answer: nginx in front held streams back without it
			}
		}
	}
	return siteHeaders[name]
}
