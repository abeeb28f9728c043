package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

type userBody struct {
	ID            string       `json:"id"`
	Email         string       `json:"email"`
	Name          string       `json:"name"`
	Role          session.Role `json:"role"`
	EmailVerified bool         `json:"emailVerified"`
	CreatedAt     time.Time    `json:"createdAt"`
}

type sessionBody struct {
	ID                string    `json:"id"`
	AccessExpiresAt   time.Time `json:"accessExpiresAt"`
	IdleExpiresAt     time.Time `json:"idleExpiresAt"`
	AbsoluteExpiresAt time.Time `json:"absoluteExpiresAt"`
	Remember          bool      `json:"remember"`
}

func userOf(id string, a session.Account) userBody {
	return userBody{ID: id, Email: a.Email, Name: a.Name, Role: a.Role, EmailVerified: a.EmailVerified, CreatedAt: a.CreatedAt.UTC()}
}

func sessionOf(v session.View) sessionBody {
	return sessionBody{
		ID: v.ID, AccessExpiresAt: v.AccessExpiresAt.UTC(), IdleExpiresAt: v.IdleExpiresAt.UTC(),
		AbsoluteExpiresAt: v.AbsoluteExpiresAt.UTC(), Remember: v.Remember,
	}
}

func (s *Server) register(c echo.Context) error {
	var in auth.Registration
	err := readJSON(c, required("email", &in.Email), required("password", &in.Password), optional("name", &in.Name))
	if err != nil {
		return err
	}
	user, err := s.auth.Register(c.Request().Context(), in)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]any{"user": userOf(user.ID, user.Account())})
}

func (s *Server) login(c echo.Context) error {
	var in auth.Credentials
	err := readJSON(c, required("email", &in.Email), required("password", &in.Password), optional("remember", &in.Remember))
	if err != nil {
		return err
	}
	in.Device = s.cookies.read(c.Request()).device
	signedIn, err := s.auth.SignIn(c.Request().Context(), in)
	if err != nil {
		return err
	}
	s.cookies.setDevice(c.Response().Header(), signedIn.Device)
	return s.answerSession(c, signedIn.Grant, "")
}

func (s *Server) refresh(c echo.Context) error {
	p := s.cookies.read(c.Request())
	grant, err := s.sessions.Refresh(c.Request().Context(), p.refresh)
	s.clearDeadCookies(c.Response().Header(), p, err)
	if err != nil {
		return err
	}
	return s.answerSession(c, grant, p.refresh)
}

// logout answers 204 also without a session, so that a browser can always sign out.
func (s *Server) logout(c echo.Context) error {
	p := s.cookies.read(c.Request())
	err := s.sessions.SignOut(c.Request().Context(), p.access, p.refresh)
	s.cookies.clear(c.Response().Header())
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) me(c echo.Context, who session.Principal) error {
	p := s.cookies.read(c.Request())
	account, view, err := s.auth.Describe(c.Request().Context(), who, p.refresh)
	if err != nil {
		s.clearDeadCookies(c.Response().Header(), p, err)
		return err
	}
	return s.signedIn(c, who, account, view)
}

func (s *Server) rename(c echo.Context, who session.Principal) error {
	var name string
	if err := readJSON(c, required("name", &name)); err != nil {
		return err
	}
	user, err := s.auth.Rename(c.Request().Context(), who, name)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"user": userOf(user.ID, user.Account())})
}

func (s *Server) changePassword(c echo.Context, who session.Principal) error {
	var current, next string
	if err := readJSON(c, required("currentPassword", &current), required("newPassword", &next)); err != nil {
		return err
	}
	grant, err := s.auth.ChangePassword(c.Request().Context(), who, current, next)
	s.clearDeadCookies(c.Response().Header(), s.cookies.read(c.Request()), err)
	if err != nil {
		return err
	}
	s.setSessionCookies(c.Response().Header(), grant.Cookies)
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) deleteAccount(c echo.Context, who session.Principal) error {
	var pw string
	if err := readJSON(c, required("password", &pw)); err != nil {
		return err
	}
	if err := s.auth.DeleteAccount(c.Request().Context(), who, pw); err != nil {
		return err
	}
	s.cookies.clear(c.Response().Header())
	return c.NoContent(http.StatusNoContent)
}

// answerSession responds to a sign-in or a refresh: with the cookies, and a body
// about their session.
func (s *Server) answerSession(c echo.Context, grant session.Grant, refresh string) error {
	account, view, err := s.auth.Describe(c.Request().Context(), grant.Principal, refresh)
	if err != nil {
		return err
	}
	s.setSessionCookies(c.Response().Header(), grant.Cookies)
	infoFromRequest(c).userID = grant.Principal.UserID
	return s.signedIn(c, grant.Principal, account, view)
}

// signedIn responds with the account and its session. Date is by the same clock as
// the session's dates, because the app compares them; net/http's is by the machine's.
func (s *Server) signedIn(c echo.Context, who session.Principal, account session.Account, view session.View) error {
	c.Response().Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	return c.JSON(http.StatusOK, map[string]any{"user": userOf(who.UserID, account), "session": sessionOf(view)})
}

// publicMaxAge lets upstreams cache the keys and still get a new one soon.
const publicMaxAge = "public, max-age=300"

func (s *Server) keySet(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", publicMaxAge)
	return c.Blob(http.StatusOK, "application/jwk-set+json", s.jwks())
}

func (s *Server) healthz(c echo.Context) error {
	if s.away != nil {
		if why := s.away(); why != "" {
			return c.String(http.StatusServiceUnavailable, why)
		}
	}
	return c.String(http.StatusOK, "ok")
}
