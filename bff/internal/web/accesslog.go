package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

// logRequest writes one line a request. It never holds a cookie, a token, a
// body or a raw path: paths carry ids and search words, and whatever an
// attacker writes into them.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		trace, end := s.trace(c)
		broke := s.run(c, next)
		over, status, route := s.now(), loggedStatus(c, broke), loggedRoute(c)
		took := over.Sub(start)
		end(route, status)
		s.answered(c, route, status, took, broke)
		v := visitOf(c)
		var buf [10]slog.Attr // for every one there is, on the stack
		attrs := append(buf[:0],
			slog.String("method", loggedMethod(c.Request().Method)),
			slog.String("route", route),
			slog.Int("status", status),
			slog.Float64("ms", float64(took.Microseconds())/1000),
			slog.String("request", v.client.RequestID),
			slog.String("ip", v.client.IP),
		)
		if v.userID != "" {
			attrs = append(attrs, slog.String("user", v.userID))
		}
		if trace != "" {
			attrs = append(attrs, slog.String("trace", trace))
		}
		level := slog.LevelInfo
		if c.Path() == "/healthz" && status == http.StatusOK {
			level = slog.LevelDebug // load balancers ask every other second
		}
		if v.err != nil {
			attrs = append(attrs, slog.String("error", shortened(v.err.Error())))
			if status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
		}
		if broke {
			attrs = append(attrs, slog.Bool("broken_off", true))
		}
		s.write(c.Request().Context(), over, level, attrs)
		if broke {
			// The client must not take what it has for the whole answer.
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

// write is slog's LogAttrs, which finds out for each line which one of the
// source it is called from. Nobody is told.
func (s *Server) write(ctx context.Context, at time.Time, level slog.Level, attrs []slog.Attr) {
	if !s.log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(at, level, "request", 0)
	line.AddAttrs(attrs...)
	_ = s.log.Handler().Handle(ctx, line) // there is nowhere else to say that the log is broken
}

func loggedStatus(c echo.Context, broke bool) int {
	status := c.Response().Status
	if !c.Response().Committed && !broke {
		return http.StatusSwitchingProtocols // taken over for a WebSocket
	}
	return status
}

// run answers a request whatever happens. It reports whether the answer broke
// off in its middle, which is what a panic with http.ErrAbortHandler means.
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

// shortened bounds what an error that quotes somebody can do to the log.
func shortened(s string) string {
	if len(s) > maxLogged {
		return strings.ToValidUTF8(s[:maxLogged], "") + "…"
	}
	return s
}

// loggedRoute is the pattern that matched, never what was asked for.
func loggedRoute(c echo.Context) string {
	if route := visitOf(c).route; route != "" {
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
