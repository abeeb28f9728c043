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

// proxied answers a request that is not for the product itself: the table
// says whether it may go on, and as whom. The session is renewed before the
// body is forwarded, so nothing is lost or sent twice.
func (s *Server) proxied(c echo.Context) error {
	r, h, v := c.Request(), c.Response().Header(), visitOf(c)
	d := v.decision
	if d.Route() != nil {
		v.route = d.Route().Path
	}
	var grant session.Grant
	if d.Outcome == route.NeedsSession || d.Outcome == route.Forward && d.Route().Access == route.Optional {
		p := s.cookies.read(r)
		var err error
		grant, err = s.authenticate(c, p)
		s.forget(h, p, err)
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
		s.renew(h, grant.Cookies)
		return problem(codeForbidden, "Your role does not open this.")
	}
	v.who, v.cookies = grant.Principal, grant.Cookies
	s.forward(c.Response(), r, d, proxy.Call{Who: who, ClientIP: v.client.IP, Caller: v})
	return nil
}

// endsSession reports whether the cookies belong to no session (any more), with
// which an optional row is forwarded without an identity.
func endsSession(err error) bool {
	var refusal *refusal.Error
	return errors.As(err, &refusal) && refusal.EndsSession()
}

const supersededTimeout = time.Second

// visit leaves to the proxy what package web knows of a forwarded request.
var _ proxy.Caller = (*visit)(nil)

// BeforeHeader adds the renewed cookies when the upstream's response is about to be
// sent, perhaps long after the renewal: by then the browser may hold newer ones.
func (v *visit) BeforeHeader(h http.Header) {
	if v.cookies == nil {
		return
	}
	// The response to a body that stopped comes after its request was cancelled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.echo.Request().Context()), supersededTimeout)
	defer cancel()
	if !v.server.sessions.Superseded(ctx, v.cookies) {
		v.server.renew(h, v.cookies)
	}
}

// OnError answers a request that could not be forwarded, through the writer it is
// given.
func (v *visit) OnError(w http.ResponseWriter, failed *proxy.Error) {
	var err error = failed
	if failed.Kind == proxy.SessionEnded && v.roleChanged() {
		err = &refusal.Error{Code: refusal.Busy, Detail: "Your account has just been changed. Try again.", RetryAfter: time.Second, Cause: err}
	}
	c := v.echo
	outer := c.Response()
	c.SetResponse(echo.NewResponse(w, v.server.echo))
	v.server.answerProblem(err, c)
	c.SetResponse(outer)
}

// StreamEnd returns the latest end of a live connection.
func (v *visit) StreamEnd() time.Time {
	if v.who.UserID == "" {
		return time.Time{} // has no session
	}
	r := v.echo.Request()
	return v.server.sessions.AbsoluteEnd(r.Context(), v.who, v.server.cookies.read(r).refresh)
}

// Alive reports whether the session has not ended, and the caller's role is still
// the one that the upstream was sent.
func (v *visit) Alive() bool {
	return v.who.UserID == "" || v.server.sessions.Alive(v.who.SessionID) && !v.server.sessions.IsStale(v.who)
}

// roleChanged reports whether a stream ends because its caller's role is another
// one, and the session goes on.
func (v *visit) roleChanged() bool {
	return v.who.UserID != "" && v.server.sessions.Alive(v.who.SessionID)
}
