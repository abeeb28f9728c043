package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// serveLogged runs one handler behind the log line.
func serveLogged(t *testing.T, h echo.HandlerFunc) (status int, text, logs string, panicked any) {
	t.Helper()
	var buf bytes.Buffer
	s := &Server{now: time.Now, log: slog.New(slog.NewTextHandler(&buf, nil))}
	e := echo.New()
	e.HTTPErrorHandler = s.answerProblem
	e.Pre(s.identifyRequest, s.logRequest)
	e.GET("/thing", h)
	w := httptest.NewRecorder()
	func() {
		defer func() { panicked = recover() }()
		e.ServeHTTP(w, httptest.NewRequest("GET", "/thing?secret=x", nil))
	}()
	return w.Code, w.Body.String(), buf.String(), panicked
}

func TestPanicIsAProblemAndALogLine(t *testing.T) {
	status, text, logs, panicked := serveLogged(t, func(echo.Context) error { panic("out of range") })
	if status != 500 || !strings.Contains(text, `"code":"internal"`) || strings.Contains(text, "range") || panicked != nil {
		t.Errorf("%d %s, panic %v", status, text, panicked)
	}
	if !strings.Contains(logs, "out of range") || !strings.Contains(logs, "accesslog_test.go") || strings.Count(logs, "msg=request ") != 1 {
		t.Errorf("log:\n%s", logs)
	}
}

// A response that breaks off must stay broken: half of one that looks complete is worse.
func TestAnswerThatBreaksOffStaysBroken(t *testing.T) {
	for name, fault := range map[string]any{"aborted": http.ErrAbortHandler, "panic": "out of range"} {
		_, _, logs, panicked := serveLogged(t, func(c echo.Context) error {
			c.Response().WriteHeader(200)
			panic(fault)
		})
		if panicked != http.ErrAbortHandler || !strings.Contains(logs, "broken_off=true") {
			t.Errorf("%s: panic %v, log:\n%s", name, panicked, logs)
		}
	}
}

func TestLogLine(t *testing.T) {
	_, _, logs, _ := serveLogged(t, func(c echo.Context) error { return c.NoContent(204) })
	for _, want := range []string{"method=GET", "route=/thing", "status=204", "ms=", "request=", "ip=192.0.2.1"} {
		if !strings.Contains(logs, want) {
			t.Errorf("no %s in %s", want, logs)
		}
	}
	if strings.Contains(logs, "secret") || strings.Contains(logs, "broken_off") {
		t.Error(logs)
	}
}

// The 5xx of a client that hung up reached no client, and is not counted as one;
// a fault of the server still is.
func TestClientThatHungUpIs499(t *testing.T) {
	for name, c := range map[string]struct {
		gone    bool
		err     error
		want    string
		counted int
	}{
		"gone, and so given up": {true, fmt.Errorf("query: %w", context.Canceled), "level=INFO msg=request method=GET route=/thing status=499", 499},
		"gone, a late 204":      {true, nil, "status=204", 204},
		"gone, and a fault":     {true, errors.New("out of range"), "level=ERROR msg=request method=GET route=/thing status=500", 500},
		"there, and given up":   {false, fmt.Errorf("query: %w", context.Canceled), "level=ERROR msg=request method=GET route=/thing status=500", 500},
	} {
		var buf bytes.Buffer
		counted := 0
		s := &Server{now: time.Now, log: slog.New(slog.NewTextHandler(&buf, nil)), observe: Observer{
			Answered: func(_, _ string, status int, _ time.Duration, _ bool) { counted = status },
		}}
		e := echo.New()
		e.HTTPErrorHandler = s.answerProblem
		e.Pre(s.identifyRequest, s.logRequest)
		ctx, leave := context.WithCancel(t.Context())
		e.GET("/thing", func(ec echo.Context) error {
			if c.gone {
				leave()
			}
			if c.err != nil {
				return c.err
			}
			return ec.NoContent(204)
		})
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/thing", nil).WithContext(ctx))
		leave()
		if !strings.Contains(buf.String(), c.want) || counted != c.counted {
			t.Errorf("%s: counted as %d; no %s in %s", name, counted, c.want, buf.String())
		}
	}
}
