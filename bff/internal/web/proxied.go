package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
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
	var grant auth.Grant
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
	v.who = grant.Principal
	s.forward(c.Response(), r, d, who, s.seal(r.Context(), grant.Cookies))
	return nil
}

// endsSession: the cookies belong to nobody (any more), which an optional row
// does not mind.
func endsSession(err error) bool {
	var refusal *refusal.Error
	return errors.As(err, &refusal) && refusal.EndsSession()
}

const sealTimeout = time.Second

// seal gives what adds the renewed cookies when the upstream's answer is about
// to leave, perhaps long after the renewal: by then the browser may hold newer
// ones. It is nil when there was no renewal.
func (s *Server) seal(ctx context.Context, cookies *auth.Cookies) func(http.Header) {
	if cookies == nil {
		return nil
	}
	return func(h http.Header) {
		// The answer to a body that stopped comes after its request was given up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sealTimeout)
		defer cancel()
		if !s.auth.Superseded(ctx, cookies) {
			s.renew(h, cookies)
		}
	}
}

// ProxyError is for proxy.Options.OnError: it answers a request that could
// not be forwarded, through the writer it is given.
func (s *Server) ProxyError(w http.ResponseWriter, r *http.Request, err error) {
	v := visitBehind(r)
	c := v.echo
	var failed *proxy.Error
	if errors.As(err, &failed) && failed.Kind == proxy.SessionEnded && s.changed(v) {
		err = &refusal.Error{Code: refusal.Busy, Detail: "Your account has just been changed. Try again.", RetryAfter: time.Second, Cause: err}
	}
	outer := c.Response()
	c.SetResponse(echo.NewResponse(w, s.echo))
	s.answerProblem(err, c)
	c.SetResponse(outer)
}

// Forwarded is for proxy.Options.Forwarded: what an upstream learns of the
// browser. Scheme and host are those that browsers use, whatever this request
// says of itself.
func (s *Server) Forwarded(r *http.Request) (clientIP, proto, host string) {
	return visitBehind(r).client.IP, s.public.Scheme, s.public.Host
}

// StreamEnd is for proxy.Options.StreamEnd: when a live connection ends at the
// latest.
func (s *Server) StreamEnd(r *http.Request) time.Time {
	who := visitBehind(r).who
	if who.UserID == "" {
		return time.Time{} // nobody's
	}
	return s.auth.AbsoluteEnd(r.Context(), who, s.cookies.read(r).refresh)
}

// StreamAlive is for proxy.Options.Alive: whether the session has not ended,
// and the caller is still who the upstream was told.
func (s *Server) StreamAlive(r *http.Request) bool {
	who := visitBehind(r).who
	return who.UserID == "" || s.auth.Alive(who.SessionID) && !s.auth.Overtaken(who)
}

// changed: a stream ends because its caller's role is another one, and the
// session goes on.
func (s *Server) changed(v *visit) bool { return v.who.UserID != "" && s.auth.Alive(v.who.SessionID) }
