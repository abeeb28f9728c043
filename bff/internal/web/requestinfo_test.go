package web

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

type callersKey struct{}

// Audit events, traces and the proxy find their part of a request by its
// context, and its end by it, too.
func TestRequestInfoIsTheContextOfItsRequest(t *testing.T) {
	ctx, leave := context.WithCancel(context.WithValue(t.Context(), callersKey{}, "the connection's"))
	r := httptest.NewRequest("GET", "/thing", nil).WithContext(ctx)
	r.Header.Set("User-Agent", "Browser/1.0")
	r.Header.Set(headerRequestID, "01J9ZK3V8W")
	c := echo.New().NewContext(r, httptest.NewRecorder())
	err := new(Server).identifyRequest(func(c echo.Context) error {
		info := infoFromRequest(c)
		ctx := context.WithValue(c.Request().Context(), callersKey{}, "a later one")
		later := echo.New().NewContext(c.Request().WithContext(ctx), httptest.NewRecorder())
		if infoFromRequest(later) != info || info.echo != c {
			t.Errorf("another requestInfo: %v", info)
		}
		want := session.Client{IP: "192.0.2.1", UserAgent: "Browser/1.0", RequestID: "01J9ZK3V8W"}
		if got := ctx.Value(session.ClientKey{}); got != want {
			t.Errorf("client %v", got)
		}
		if got := c.Request().Context().Value(callersKey{}); got != "the connection's" {
			t.Errorf("value %v", got)
		}
		leave()
		if ctx.Err() == nil {
			t.Error("the request goes on without its client")
		}
		return nil
	})(c)
	if err != nil {
		t.Fatal(err)
	}
}
