package web

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// accountBody is an account as administrators see it.
type accountBody struct {
	userBody
	Active bool `json:"active"`
}

func accountOf(u auth.User) accountBody { return accountBody{userOf(u.ID, u.Account()), u.Active} }

// auditBody is an entry of the audit trail.
type auditBody struct {
	ID        string         `json:"id"`
	Type      auth.EventType `json:"type"`
	UserID    string         `json:"userId"`
	ActorID   string         `json:"actorId"`
	SessionID string         `json:"sessionId"`
	Detail    string         `json:"detail"`
	IP        string         `json:"ip"`
	UserAgent string         `json:"userAgent"`
	RequestID string         `json:"requestId"`
	At        time.Time      `json:"at"`
}

func (s *Server) users(c echo.Context, who session.Principal) error {
	after, err := readCursor(c)
	if err != nil {
		return err
	}
	list, next, err := s.auth.Users(c.Request().Context(), who, c.QueryParam("q"), after)
	if err != nil {
		return err
	}
	out := make([]accountBody, 0, len(list))
	for _, u := range list {
		out = append(out, accountOf(u))
	}
	return c.JSON(http.StatusOK, map[string]any{"users": out, "next": cursor(next)})
}

func (s *Server) changeUser(c echo.Context, who session.Principal) error {
	var role *string
	var active *bool
	if err := readJSON(c, optional("role", &role), optional("active", &active)); err != nil {
		return err
	}
	user, err := s.auth.ChangeUser(c.Request().Context(), who, c.Param("id"), (*session.Role)(role), active)
	if err != nil {
		return err
	}
	if user.ID == who.UserID && !user.Active {
		s.cookies.clear(c.Response().Header())
	}
	return c.JSON(http.StatusOK, map[string]any{"user": accountOf(user)})
}

func (s *Server) endUserSessions(c echo.Context, who session.Principal) error {
	id := c.Param("id")
	if err := s.auth.EndUserSessions(c.Request().Context(), who, id); err != nil {
		return err
	}
	if id == who.UserID {
		s.cookies.clear(c.Response().Header())
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) audit(c echo.Context, _ session.Principal) error {
	after, err := readCursor(c)
	if err != nil {
		return err
	}
	list, next, err := s.auth.Trail(c.Request().Context(), c.QueryParam("user"), auth.EventType(c.QueryParam("type")), after)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"events": eventsOf(list), "next": cursor(next)})
}

// activity responds with the account's own part of the audit trail. In entries of
// an administrator's actions their address and browser are left out.
func (s *Server) activity(c echo.Context, who session.Principal) error {
	after, err := readCursor(c)
	if err != nil {
		return err
	}
	list, next, err := s.auth.Activity(c.Request().Context(), who, after)
	if err != nil {
		return err
	}
	events := eventsOf(list)
	for i, e := range events {
		if e.ActorID != "" && e.ActorID != who.UserID {
			events[i].IP, events[i].UserAgent, events[i].RequestID, events[i].SessionID = "", "", "", ""
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"events": events, "next": cursor(next)})
}

func eventsOf(list []auth.Event) []auditBody {
	out := make([]auditBody, 0, len(list))
	for _, e := range list {
		out = append(out, auditBody{
			ID: e.ID, Type: e.Type, UserID: e.UserID, ActorID: e.ActorID, SessionID: e.SessionID, Detail: e.Detail,
			IP: e.IP, UserAgent: e.UserAgent, RequestID: e.RequestID, At: e.At.UTC(),
		})
	}
	return out
}

// cursor is the parameter for the next page; null after the last.
func cursor(at auth.Position) *string {
	if at == (auth.Position{}) {
		return nil
	}
	place := strconv.FormatInt(at.At.UnixMilli(), 10) + "." + at.ID
	if at.Key != "" {
		place = cursorByKey + "." + at.Key
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(place))
	return &text
}

// cursorByKey is in a cursor by key in place of the time.
const cursorByKey = "key"

func readCursor(c echo.Context) (auth.Position, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return auth.Position{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	ms, id, ok := strings.Cut(string(raw), ".")
	if err == nil && ms == cursorByKey && id != "" {
		return auth.Position{Key: id}, nil
	}
	at, msErr := strconv.ParseInt(ms, 10, 64)
	if err != nil || !ok || msErr != nil || id == "" {
		return auth.Position{}, &refusal.Error{Code: refusal.ValidationFailed, Detail: "The query needs another look.",
			Fields: map[string]string{"cursor": "Send the next of the page before, as it was."}}
	}
	return auth.Position{At: time.UnixMilli(at).UTC(), ID: id}, nil
}
