package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// logRequest writes one line per request. It never holds a cookie, a token, a body
// or a raw path: paths carry ids, search words and an attacker's text.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		trace, end := s.trace(c)
		broke := s.run(c, next)
		over, status, route := s.now(), loggedStatus(c, broke), loggedRoute(c)
		took := over.Sub(start)
		end(route, status)
		s.answered(c, route, status, took, broke)
		info := infoFromRequest(c)
		line := logLine{
			at: over, method: loggedMethod(c.Request().Method), route: route, status: status, took: took,
			request: info.client.RequestID, ip: info.client.IP, user: info.userID, trace: trace, brokenOff: broke,
		}
		if c.Path() == "/healthz" && status == http.StatusOK {
			line.level = slog.LevelDebug // load balancers probe every other second
		}
		if info.err != nil {
			line.err = shortened(info.err.Error())
			if status >= http.StatusInternalServerError {
				line.level = slog.LevelError
			}
		}
		s.writeLogLine(c.Request().Context(), &line)
		if broke {
			// The client must not take its part for the whole response.
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

func loggedStatus(c echo.Context, broke bool) int {
	status := c.Response().Status
	if !c.Response().Committed && !broke {
		return http.StatusSwitchingProtocols // taken over for a WebSocket
	}
	return status
}

// run answers a request, also after an error or a panic. It reports whether the
// response broke off in its middle: a panic with http.ErrAbortHandler means that.
func (s *Server) run(c echo.Context, next echo.HandlerFunc) (broke bool) {
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case http.ErrAbortHandler:
			broke = true
		default:
			s.log.ErrorContext(c.Request().Context(), "panic", "fault", fmt.Sprint(fault), "request", requestID(c), "stack", string(debug.Stack()))
			broke = c.Response().Committed
			c.Error(fmt.Errorf("panic: %v", fault))
		}
	}()
	if err := next(c); err != nil {
		c.Error(err)
	}
	return false
}

const maxLogged = 500

// shortened bounds the log line of an error that quotes a client.
func shortened(s string) string {
	if len(s) > maxLogged {
		return strings.ToValidUTF8(s[:maxLogged], "") + "…"
	}
	return s
}

// loggedRoute is the pattern that matched, never the path of the request.
func loggedRoute(c echo.Context) string {
	if route := infoFromRequest(c).route; route != "" {
		return route
	}
	if p := c.Path(); p != "" && p != "/*" {
		return p
	}
	return "-"
}

func loggedMethod(m string) string {
	for _, known := range route.Methods {
		if m == known {
			return m
		}
	}
	return "-"
}
