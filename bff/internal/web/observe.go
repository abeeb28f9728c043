package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Observer gets each request, for metrics and traces: its method and route as the
// log has them, each one of few values. Fields may be nil.
type Observer struct {
	// Answered is called when a request is over. stream means that it lasted until
	// one side closed it.
	Answered func(method, route string, status int, took time.Duration, stream bool)
	// BrokenOff is called when a response ended in its middle.
	BrokenOff func(route string)
	// Trace is called when a request begins. trusted means that its
	// peer is a trusted proxy. The request continues with ctx; id is for the log; end is
	// called when the request is over.
	Trace func(r *http.Request, method, requestID string, trusted bool) (ctx context.Context, id string, end func(route string, status int))
}

// trace starts a request's trace, if traces are on. Probes every other second are
// not recorded.
func (s *Server) trace(c echo.Context) (id string, end func(route string, status int)) {
	r := c.Request()
	if s.observe.Trace == nil || r.URL.Path == "/healthz" {
		return "", func(string, int) {}
	}
	ctx, id, end := s.observe.Trace(r, loggedMethod(r.Method), requestID(c), s.clients.FromTrusted(r))
	c.SetRequest(r.WithContext(ctx))
	return id, end
}

// answered counts a request that is over.
func (s *Server) answered(c echo.Context, route string, status int, took time.Duration, broke bool) {
	if s.observe.Answered != nil {
		s.observe.Answered(loggedMethod(c.Request().Method), route, status, took, isStream(status, c.Response().Header()))
	}
	if broke && s.observe.BrokenOff != nil {
		s.observe.BrokenOff(route)
	}
}

func isStream(status int, h http.Header) bool {
	kind := h["Content-Type"]
	return status == http.StatusSwitchingProtocols || len(kind) == 1 && strings.HasPrefix(kind[0], "text/event-stream")
}
