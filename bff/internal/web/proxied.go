package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// proxied forwards a request to an API if the table of routes allows it. The
// session is refreshed before the body is forwarded, so nothing is lost or sent
// twice.
func (s *Server) proxied(c echo.Context) error {
	r, h, info := c.Request(), c.Response().Header(), infoFromRequest(c)
	d := info.decision
	if d.Route() != nil {
		info.route = d.Route().Path
	}
	var grant session.Grant
	if d.Outcome == route.NeedsSession || d.Outcome == route.Forward && d.Route().Access == route.Optional {
		p := s.cookies.read(r)
		var err error
		grant, err = s.authenticate(c, p)
		s.clearDeadCookies(h, p, err)
		if err != nil && !(d.Outcome == route.Forward && endsSession(err)) {
			return err
		}
	}
	who := route.Identity{
		UserID: grant.Principal.UserID, SessionID: grant.Principal.SessionID,
		Email: grant.Principal.Email, Role: string(grant.Principal.Role),
	}
	switch d = d.As(&who); d.Outcome {
	case route.Forward:
	case route.NotFound:
		return problem(refusal.NotFound, "There is nothing at this address.")
	case route.BadPath:
		return d.Reason
	case route.MethodNotAllowed:
		return &methodNotAllowed{allow: d.Allow}
	case route.NeedsSession:
		return problem(refusal.NotAuthenticated, "Sign in first.")
	case route.Forbidden:
		s.setSessionCookies(h, grant.Cookies)
		return problem(codeForbidden, "Your role does not open this.")
	}
	info.who, info.cookies = grant.Principal, grant.Cookies
	s.forward(c.Response(), r, d, proxy.Call{Who: who, ClientIP: info.client.IP, Caller: info})
	return nil
}

// endsSession reports whether the cookies belong to no session (any more), with
// which an optional row is forwarded without an identity.
func endsSession(err error) bool {
	var refusal *refusal.Error
	return errors.As(err, &refusal) && refusal.EndsSession()
}

const supersededTimeout = time.Second

// requestInfo leaves to the proxy what package web knows of a forwarded request.
var _ proxy.Caller = (*requestInfo)(nil)

// BeforeHeader adds the renewed cookies when the upstream's response is about to be
// sent, perhaps long after the renewal: by then the browser may hold newer ones.
func (info *requestInfo) BeforeHeader(h http.Header) {
	if info.cookies == nil {
		return
	}
	// The response to a body that stopped comes after its request was cancelled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(info.echo.Request().Context()), supersededTimeout)
	defer cancel()
	if !info.server.sessions.Superseded(ctx, info.cookies) {
		info.server.setSessionCookies(h, info.cookies)
	}
}

// OnError answers a request that could not be forwarded, through the writer it is
// given.
func (info *requestInfo) OnError(w http.ResponseWriter, failed *proxy.Error) {
	var err error = failed
	if failed.Kind == proxy.SessionEnded && info.roleChanged() {
		err = &refusal.Error{Code: refusal.Busy, Detail: "Your account has just been changed. Try again.", RetryAfter: time.Second, Cause: err}
	}
	c := info.echo
	outer := c.Response()
	c.SetResponse(echo.NewResponse(w, info.server.echo))
	info.server.answerProblem(err, c)
	c.SetResponse(outer)
}

// StreamEnd returns the latest end of a live connection.
func (info *requestInfo) StreamEnd() time.Time {
	if info.who.UserID == "" {
		return time.Time{} // has no session
	}
	r := info.echo.Request()
	return info.server.sessions.AbsoluteEnd(r.Context(), info.who, info.server.cookies.read(r).refresh)
}

// Alive reports whether the session has not ended, and the caller's role is still
// the one that the upstream was sent.
func (info *requestInfo) Alive() bool {
	return info.who.UserID == "" || info.server.sessions.Alive(info.who.SessionID) && !info.server.sessions.IsStale(info.who)
}

// roleChanged reports whether a stream ends because its caller's role is another
// one, and the session goes on.
func (info *requestInfo) roleChanged() bool {
	return info.who.UserID != "" && info.server.sessions.Alive(info.who.SessionID)
}
