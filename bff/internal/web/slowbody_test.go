package web

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// A client that announced a body and dripped it held its connection for ever:
// net/http reads the rest before it lets an answer go.
func TestDrippedBodyIsGivenUp(t *testing.T) {
	defer func(d time.Duration) { bodyDeadline = d }(bodyDeadline)
	bodyDeadline = 100 * time.Millisecond
	s := &Server{pages: emptyApp(t), now: time.Now, log: slog.New(slog.DiscardHandler)}
	e := echo.New()
	e.HTTPErrorHandler = s.answerProblem
	e.Pre(s.identifyRequest)
	e.POST("/reads", ownEndpoint(func(c echo.Context) error {
		var email string
		return readJSON(c, required("email", &email))
	}))
	e.POST("/ignores", ownEndpoint(func(c echo.Context) error { return c.NoContent(204) }))
	e.GET("/login", func(c echo.Context) error { // a page, which has no use for a body
		infoFromRequest(c).path = "/login"
		return s.fallback(c)
	})
	server := httptest.NewServer(e)
	defer server.Close()
	for path, want := range map[string]string{"POST /reads": "408", "POST /ignores": "204", "POST /nowhere": "404", "GET /login": "302"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", path)
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+want) {
			t.Errorf("%s: %q, %v; want %s", path, line, err, want)
		}
	}
}
