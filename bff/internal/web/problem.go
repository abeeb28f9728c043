package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
)

// Codes of this package's own problems, beside those of package refusal.
const (
	codeMalformedJSON       refusal.Code = "malformed_json"
	codeMalformedRequest    refusal.Code = "malformed_request"
	codeHeaderTooLarge      refusal.Code = "header_too_large" // see UnreadProblem
	codeBodyTooLarge        refusal.Code = "body_too_large"
	codeRequestTimeout      refusal.Code = "request_timeout"
	codeClientGone          refusal.Code = "client_gone"
	codeUnsupportedMedia    refusal.Code = "unsupported_media_type"
	codeForbidden           refusal.Code = "forbidden"
	codeCrossSite           refusal.Code = "cross_site_request"
	codeBadPath             refusal.Code = "bad_path"
	codeBadUpgrade          refusal.Code = "bad_upgrade"
	codeMethodNotAllowed    refusal.Code = "method_not_allowed"
	codeUpstreamUnreachable refusal.Code = "upstream_unreachable"
	codeUpstreamTimeout     refusal.Code = "upstream_timeout"
	codeInternal            refusal.Code = "internal"
)

// statusClientGone is the status that nginx logs for it. Counted among the 5xx, a
// closed tab looked like an outage.
const statusClientGone = 499

// problems has the status and the title of every code.
var problems = map[refusal.Code]struct {
	status int
	title  string
}{
	refusal.ValidationFailed:        {http.StatusUnprocessableEntity, "Some fields are not valid"},
	codeMalformedJSON:               {http.StatusBadRequest, "The body is not the JSON expected"},
	codeMalformedRequest:            {http.StatusBadRequest, "The request could not be read"},
	codeRequestTimeout:              {http.StatusRequestTimeout, "The request stopped coming"},
	codeClientGone:                  {statusClientGone, "The client went away"},
	codeHeaderTooLarge:              {http.StatusRequestHeaderFieldsTooLarge, "The request's header is too large"},
	codeBodyTooLarge:                {http.StatusRequestEntityTooLarge, "The body is too large"},
	codeUnsupportedMedia:            {http.StatusUnsupportedMediaType, "The body is not of a supported type"},
	refusal.EmailTaken:              {http.StatusConflict, "The email is taken"},
	refusal.SignupClosed:            {http.StatusForbidden, "Sign-up is closed"},
	refusal.InvalidCredentials:      {http.StatusUnauthorized, "Email or password is wrong"},
	refusal.AccountDisabled:         {http.StatusForbidden, "The account is disabled"},
	refusal.WrongPassword:           {http.StatusForbidden, "The password is wrong"},
	refusal.LastAdmin:               {http.StatusConflict, "This is the last administrator"},
	refusal.TooManyAttempts:         {http.StatusTooManyRequests, "Too many attempts"},
	refusal.NotAuthenticated:        {http.StatusUnauthorized, "Not signed in"},
	refusal.SessionExpired:          {http.StatusUnauthorized, "The session has expired"},
	refusal.SessionRevoked:          {http.StatusUnauthorized, "The session was ended"},
	refusal.RefreshReuse:            {http.StatusUnauthorized, "The session was used twice"},
	codeForbidden:                   {http.StatusForbidden, "Not allowed"},
	codeCrossSite:                   {http.StatusForbidden, "Cross-site request"},
	refusal.NotFound:                {http.StatusNotFound, "Not found"},
	codeBadPath:                     {http.StatusBadRequest, "The path is not canonical"},
	codeBadUpgrade:                  {http.StatusBadRequest, "The upgrade is not supported"},
	codeMethodNotAllowed:            {http.StatusMethodNotAllowed, "Method not allowed"},
	refusal.SessionStoreUnavailable: {http.StatusServiceUnavailable, "Sessions are unavailable"},
	refusal.DatabaseUnavailable:     {http.StatusServiceUnavailable, "Accounts are unavailable"},
	refusal.WriteConflict:           {http.StatusConflict, "Others changed the same data"},
	refusal.SearchTooWide:           {http.StatusUnprocessableEntity, "The search takes too long"},
	refusal.Busy:                    {http.StatusServiceUnavailable, "Busy"},
	codeUpstreamUnreachable:         {http.StatusBadGateway, "The service behind this address cannot be reached"},
	codeUpstreamTimeout:             {http.StatusGatewayTimeout, "The service behind this address took too long"},
	codeInternal:                    {http.StatusInternalServerError, "Something went wrong on our side"},
}

// problem makes an error of this package's own decision.
func problem(code refusal.Code, detail string) error {
	return &refusal.Error{Code: code, Detail: detail}
}

// methodNotAllowed carries the Allow header that RFC 9110 §15.5.6 demands.
type methodNotAllowed struct{ allow string }

func (e *methodNotAllowed) Error() string { return "method not allowed; allowed: " + e.allow }

// problemBody is the problem document of RFC 9457 with our members.
type problemBody struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail,omitempty"`
	Code      refusal.Code      `json:"code"`
	RequestID string            `json:"requestId,omitempty"`
	Errors    map[string]string `json:"errors,omitempty"`
}

// marshal fills in what follows from the code.
func (b problemBody) marshal() []byte {
	b.Type, b.Title = "urn:gatehouse:problem:"+string(b.Code), problems[b.Code].title
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// answerProblem is Echo's error handler: the one place where an error becomes
// a response. Causes are for the log alone.
func (s *Server) answerProblem(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	limitBodyTime(c) // no handler reads the rest of the body
	e := s.classify(err, c)
	p := problems[e.Code]
	h := c.Response().Header()
	if retry := e.RetryAfter; retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(float64(retry)/float64(time.Second)))))
	}
	if p.status == http.StatusUnauthorized {
		// RFC 9110 §15.5.2 wants a challenge; browsers show no dialog for this one.
		h.Set("WWW-Authenticate", "Cookie")
	}
	h.Set("Cache-Control", "no-store")
	if row := infoFromRequest(c).decision.Route(); row != nil && row.Access != route.Public {
		h["Vary"] = proxy.VaryCookie
	}
	h.Del("ETag")
	body := problemBody{Status: p.status, Detail: e.Detail, Code: e.Code, RequestID: requestID(c), Errors: e.Fields}.marshal()
	infoFromRequest(c).err = err
	// A client that is gone needs no answer, and the log line says so.
	_ = c.Blob(p.status, "application/problem+json", body)
}

func (s *Server) classify(err error, c echo.Context) *refusal.Error {
	var known *refusal.Error
	var method *methodNotAllowed
	var fromEcho *echo.HTTPError
	var forwarding *proxy.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &forwarding):
		return forwardingProblem(forwarding)
	case errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil: // a store's query, too
		return &refusal.Error{Code: codeClientGone, Cause: err}
	case errors.As(err, &known):
		return known
	case errors.As(err, &method):
		c.Response().Header().Set("Allow", method.allow)
		return &refusal.Error{Code: codeMethodNotAllowed, Detail: "Allowed here: " + method.allow + "."}
	case errors.Is(err, route.ErrBadPath):
		return &refusal.Error{Code: codeBadPath, Detail: err.Error()}
	case errors.As(err, &tooLarge):
		return &refusal.Error{Code: codeBodyTooLarge, Detail: "Send less."}
	case errors.As(err, &fromEcho) && fromEcho.Code == http.StatusNotFound:
		return &refusal.Error{Code: refusal.NotFound, Detail: "There is nothing at this address."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &refusal.Error{Code: codeInternal, Detail: "The request was given up.", Cause: err}
	}
	return &refusal.Error{Code: codeInternal, Detail: "Try again; if it stays, tell the operator the request id.", Cause: err}
}

// forwardingProblem names the route, never the address behind it: that is in
// the cause, for the log.
func forwardingProblem(e *proxy.Error) *refusal.Error {
	out := &refusal.Error{Code: codeInternal, Detail: e.Error(), Cause: e}
	switch e.Kind {
	case proxy.Unreachable:
		out.Code, out.RetryAfter = codeUpstreamUnreachable, 2*time.Second
	case proxy.Timeout:
		out.Code = codeUpstreamTimeout
	case proxy.BodyTooLarge:
		out.Code = codeBodyTooLarge
	case proxy.BadBody:
		out.Code = codeMalformedRequest
	case proxy.BadUpgrade:
		out.Code = codeBadUpgrade
	case proxy.SessionEnded:
		out.Code = refusal.SessionRevoked
	case proxy.BodyStalled:
		out.Code = codeRequestTimeout
	case proxy.TooManyLive:
		out.Code, out.RetryAfter = refusal.TooManyAttempts, time.Minute
	case proxy.ClientGone:
		out.Code = codeClientGone
	case proxy.MintFailed:
	}
	return out
}
