package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const (
	// eventTick is the precision of the absolute end.
	eventTick = 500 * time.Millisecond
	// heartbeat keeps proxies on the way from closing an idle stream.
	heartbeat = 20 * time.Second
	// expiringBefore is the time between the warning and the absolute end.
	expiringBefore = 5 * time.Minute
)

// eventBody is the data of a `session` event.
type eventBody struct {
	Type   string         `json:"type"` // revoked, role_changed, expiring
	Reason session.Reason `json:"reason"`
}

// events streams the changes of a session to its browser (server-sent events). The
// stream lasts as long as the session: rotation and the access token's expiry do not
// affect it, a revocation on any instance or the absolute end closes it.
func (s *Server) events(c echo.Context, who session.Principal) error {
	news, stop, err := s.sessions.Watch(who.SessionID)
	if err != nil {
		return err
	}
	defer stop()
	if !s.sessions.Alive(who.SessionID) { // revoked since the request was authenticated
		return problem(refusal.SessionRevoked, "This session was ended. Sign in again.")
	}
	ctx := c.Request().Context()
	end := s.sessions.AbsoluteEnd(ctx, who, s.cookies.read(c.Request()).refresh)

	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		// net/http drops the body of a response to HEAD: the stream would go on
		// unseen, on a connection that a proxy reuses for other clients.
		return nil
	}
	err = s.comment(c, "watching")
	if err == nil && s.sessions.IsStale(who) { // as above
		err = s.event(c, "role_changed", session.ReasonRoleChanged)
	}
	if err != nil {
		return nil //nolint:nilerr // the client is gone, and so is the stream
	}

	tick := time.NewTicker(eventTick)
	defer tick.Stop()
	warned, last := false, s.now()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.closing:
			return nil // the browser reconnects, to another instance
		case r := <-news:
			if r.Reason != session.ReasonRoleChanged {
				_ = s.event(c, "revoked", r.Reason)
				return nil
			}
			err = s.event(c, "role_changed", r.Reason)
		case <-tick.C:
			now := s.now()
			switch {
			case !s.sessions.Alive(who.SessionID) && len(news) == 0: // its event was lost
				_ = s.event(c, "revoked", session.ReasonEnded)
				return nil
			case !now.Before(end):
				_ = s.event(c, "revoked", session.ReasonExpired)
				return nil
			case !warned && !now.Before(end.Add(-expiringBefore)):
				warned = true
				err = s.event(c, "expiring", session.ReasonExpired)
			case now.Sub(last) >= heartbeat:
				last = now
				err = s.comment(c, "still here")
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the client is gone, and so is the stream
		}
	}
}

func (s *Server) event(c echo.Context, kind string, reason session.Reason) error {
	data, err := json.Marshal(eventBody{Type: kind, Reason: reason})
	if err != nil {
		return err
	}
	return s.send(c, fmt.Sprintf("event: session\ndata: %s\n\n", data))
}

func (s *Server) comment(c echo.Context, text string) error { return s.send(c, ": "+text+"\n\n") }

func (s *Server) send(c echo.Context, text string) error {
	// The connection itself ends a reader that stalls. A deadline set here stayed on
	// it, and broke the browser's next request there ten seconds later.
	if _, err := c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return http.NewResponseController(c.Response()).Flush()
}

// EndStreams ends the event streams of this instance for its shutdown, which they
// would delay until its deadline.
func (s *Server) EndStreams() { s.closeOnce.Do(func() { close(s.closing) }) }
