package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

const headerRequestID = "X-Request-Id"

// identifyRequest begins a requestInfo and gives it an id: the caller's when it is
// sane (logs and upstreams get it), else a new one.
func (s *Server) identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		id := r.Header.Get(headerRequestID)
		if !saneID(id) {
			id = rand.Text()
		}
		info := &requestInfo{
			Context: r.Context(), server: s, echo: c, id: [1]string{id},
			client: session.Client{IP: c.RealIP(), UserAgent: r.UserAgent(), RequestID: id},
		}
		r.Header[headerRequestID] = info.id[:]
		c.Response().Header()[headerRequestID] = info.id[:]
		c.SetRequest(r.WithContext(info))
		return next(c)
	}
}

func saneID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// canonical refuses every path that could be read in two ways, before routing:
// Echo once sent /api/%61dmin/users past the middleware of /api/admin and into
// its handler.
func (s *Server) canonical(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		path, err := route.RawPath(c.Request())
		if err == nil {
			err = route.CheckPath(path)
		}
		if err == nil && almostAPI(path) {
			err = problem(codeBadPath, "The path can be taken for one under /api; send it in its plain spelling.")
		}
		if err != nil {
			return err
		}
		infoFromRequest(c).path = path
		return next(c)
	}
}

func (s *Server) knownMethod(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !slices.Contains(route.Methods, c.Request().Method) {
			return &methodNotAllowed{allow: strings.Join(route.Methods, ", ")}
		}
		return next(c)
	}
}

func underAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// almostAPI reports whether a careless reader takes a path outside /api for one
// inside, such as /api%2Fauth/me or /api;x/auth/me. It must not get a page.
func almostAPI(path string) bool {
	const api = "/api"
	return len(path) > len(api) && strings.EqualFold(path[:len(api)], api) && (path[len(api)] == '%' || path[len(api)] == ';')
}

// CheckPagePath refuses the paths at which an app may not have a page: those that
// the gate refuses, those under /api, and our own endpoints.
func CheckPagePath(path string) error {
	if err := route.CheckPath(path); err != nil {
		return fmt.Errorf("is not a path: %w", err)
	}
	if underAPI(path) || almostAPI(path) {
		return errors.New("is under /api, which has no pages")
	}
	if slices.ContainsFunc(Endpoints(), func(e Endpoint) bool { return e.Path == path }) {
		return errors.New("is the server's own")
	}
	return nil
}

// sameSite applies the cross-site rule to everything under /api. A row of the
// proxy's table may lift it, so the table decides here, once: a reload between
// the rule and the forwarding must not bring in another row. Paths of our own
// endpoints have no row.
func (s *Server) sameSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		info, r := infoFromRequest(c), c.Request()
		if underAPI(info.path) {
			info.decision = s.table().Decide(r.Method, info.path, nil)
			// A page of another site can send a form, and cannot read the answer:
			// there are no CORS headers. It could read a WebSocket.
			if row := info.decision.Route(); row == nil || !row.AllowCrossSite || r.Header["Upgrade"] != nil {
				if err := s.crossSite.check(r.Header); err != nil {
					return err
				}
			}
		}
		return next(c)
	}
}

// authenticate returns the session that the request carries. It writes no cookies: see
// setSessionCookies and clearDeadCookies.
func (s *Server) authenticate(c echo.Context, p presented) (session.Grant, error) {
	grant, err := s.sessions.Authenticate(c.Request().Context(), p.access, p.refresh)
	if err == nil {
		infoFromRequest(c).userID = grant.Principal.UserID
	}
	return grant, err
}

// setSessionCookies sets the cookies of a grant, if it has any.
func (s *Server) setSessionCookies(h http.Header, cookies *session.Cookies) {
	if cookies != nil {
		s.cookies.set(h, cookies)
		h.Set("Cache-Control", "no-store") // Set-Cookie must not be cached
	}
}

// clearDeadCookies clears cookies of a refused request: those that came twice
// always, the session's only when err means that they are of no use.
func (s *Server) clearDeadCookies(h http.Header, p presented, err error) {
	if err != nil && endsSession(err) && !p.none() {
		s.cookies.clear(h)
	}
	s.cookies.clearNames(h, p.doubled...)
}

// member lets requests with a session through, refreshed on the way when it is
// stale, and passes its principal to the handler.
func (s *Server) member(handle func(echo.Context, session.Principal) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := s.cookies.read(c.Request())
		grant, err := s.authenticate(c, p)
		s.clearDeadCookies(c.Response().Header(), p, err)
		if err != nil {
			return err
		}
		s.setSessionCookies(c.Response().Header(), grant.Cookies)
		return handle(c, grant.Principal)
	}
}

// requireRole lets principals with this role through.
func requireRole(role session.Role, handle func(echo.Context, session.Principal) error) func(echo.Context, session.Principal) error {
	return func(c echo.Context, who session.Principal) error {
		if who.Role != role {
			return problem(codeForbidden, "Your role does not open this.")
		}
		return handle(c, who)
	}
}
