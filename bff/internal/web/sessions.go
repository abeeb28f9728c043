package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// deviceBody is a session as its owner recognises it.
type deviceBody struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"userAgent"`
	Remember   bool      `json:"remember"`
}

func (s *Server) listSessions(c echo.Context, who session.Principal) error {
	list, err := s.sessions.List(c.Request().Context(), who)
	if err != nil {
		return err
	}
	out := make([]deviceBody, 0, len(list))
	for _, x := range list {
		out = append(out, deviceBody{
			ID: x.ID, Current: x.ID == who.SessionID, CreatedAt: x.CreatedAt.UTC(), LastSeenAt: x.LastSeenAt.UTC(),
			IP: x.IP, UserAgent: x.UserAgent, Remember: x.Remember,
		})
	}
	return c.JSON(http.StatusOK, map[string]any{"sessions": out})
}

func (s *Server) endSession(c echo.Context, who session.Principal) error {
	id := c.Param("id")
	if err := s.sessions.EndSession(c.Request().Context(), who, id); err != nil {
		return err
	}
	if id == who.SessionID {
		s.cookies.clear(c.Response().Header())
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) logoutAll(c echo.Context, who session.Principal) error {
	var others bool
	if err := readOptionalJSON(c, optional("others", &others)); err != nil {
		return err
	}
	if err := s.sessions.EndSessions(c.Request().Context(), who, others); err != nil {
		return err
	}
	if !others {
		s.cookies.clear(c.Response().Header())
	}
	return c.NoContent(http.StatusNoContent)
}
