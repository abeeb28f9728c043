package web

import (
	"cmp"
	"fmt"
	"net/http"
)

// UnreadProblem is the whole HTTP/1.1 response to a request that no handler has
// seen. The listener refused it because of fault, or net/http did (fault is nil).
func UnreadProblem(status int, fault error) []byte {
	b := problemBody{Status: status, Code: codeMalformedRequest}
	switch status {
	case http.StatusRequestTimeout:
		b.Code, b.Detail = codeRequestTimeout, "Its header did not arrive in time."
	case http.StatusRequestHeaderFieldsTooLarge:
		b.Code = codeHeaderTooLarge
		b.Detail = "At most 64 KiB are read. It is mostly cookies: delete those of this site in the browser, or send fewer and shorter headers."
	case http.StatusNotImplemented:
		b.Detail = "Of transfer encodings only chunked is supported."
	case http.StatusHTTPVersionNotSupported:
		b.Detail = "Send HTTP/1.1."
	case http.StatusExpectationFailed:
		b.Detail = "Of expectations only 100-continue can be met."
	default:
		b.Detail = "It is not well-formed HTTP/1.1, or could be read in two ways"
		if fault != nil {
			b.Detail += " (" + fault.Error() + ")"
		}
		b.Detail += "."
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nConnection: close\r\nCache-Control: no-store\r\n"+
		"X-Content-Type-Options: nosniff\r\nReferrer-Policy: %s\r\nX-Frame-Options: DENY\r\nContent-Security-Policy: %s\r\n\r\n%s",
		status, cmp.Or(http.StatusText(status), "Refused"), noReferrer[0], apiCSP, b.marshal())
}
