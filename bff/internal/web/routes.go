package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// access is the group of callers that may use one of our own endpoints.
type access string

const (
	anyone  access = "anyone"
	members access = "member"
	admins  access = "admin"
)

// endpoint is one row of routes. A handler that needs a session takes a
// session.Principal, so a row that forgets to ask for one does not compile.
type endpoint struct {
	method, path string
	who          access
	handler      echo.HandlerFunc
}

// routes lists every endpoint of the product itself. A path that is neither here
// nor in the proxy's table is not reachable.
func (s *Server) routes() []endpoint {
	open := func(method, path string, h echo.HandlerFunc) endpoint { return endpoint{method, path, anyone, h} }
	member := func(method, path string, h func(echo.Context, session.Principal) error) endpoint {
		return endpoint{method, path, members, s.member(h)}
	}
	admin := func(method, path string, h func(echo.Context, session.Principal) error) endpoint {
		return endpoint{method, path, admins, s.member(requireRole(session.RoleAdmin, h))}
	}
	return []endpoint{
		open("POST", "/api/auth/register", s.register),
		open("POST", "/api/auth/login", s.login),
		open("POST", "/api/auth/refresh", s.refresh),
		open("POST", "/api/auth/logout", s.logout),
		member("GET", "/api/auth/me", s.me),
		member("PATCH", "/api/auth/me", s.rename),
		member("DELETE", "/api/auth/me", s.deleteAccount),
		member("PUT", "/api/auth/password", s.changePassword),
		member("GET", "/api/auth/activity", s.activity),
		member("GET", "/api/auth/sessions", s.listSessions),
		member("DELETE", "/api/auth/sessions/:id", s.endSession),
		member("POST", "/api/auth/logout-all", s.logoutAll),
		member("GET", "/api/auth/events", s.events),
		admin("GET", "/api/admin/users", s.users),
		admin("PATCH", "/api/admin/users/:id", s.changeUser),
		admin("DELETE", "/api/admin/users/:id/sessions", s.endUserSessions),
		admin("GET", "/api/admin/audit", s.audit),
		open("GET", "/api/openapi.yaml", s.openAPI),
		open("GET", "/.well-known/jwks.json", s.keySet),
		open("GET", "/healthz", s.healthz),
	}
}

// Endpoint is a row of routes for other packages.
type Endpoint struct {
	Method, Path string
	Who          string // anyone, member, admin
}

// Endpoints lists the product's own endpoints.
func Endpoints() (list []Endpoint) {
	for _, r := range new(Server).routes() {
		list = append(list, Endpoint{r.method, r.path, string(r.who)})
	}
	return list
}

// mount registers the routes with Echo, answers other methods on them with 405, and
// all other paths by the proxy's table or the pages.
func (s *Server) mount(e *echo.Echo) {
	methods := map[string][]string{}
	var paths []string
	for _, r := range s.routes() {
		e.Add(r.method, r.path, ownEndpoint(r.handler))
		if methods[r.path] == nil {
			paths = append(paths, r.path)
		}
		methods[r.path] = append(methods[r.path], r.method)
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, r.path, ownEndpoint(r.handler))
			methods[r.path] = append(methods[r.path], http.MethodHead)
		}
	}
	for _, path := range paths {
		refuse := &methodNotAllowed{allow: strings.Join(methods[path], ", ")}
		for _, m := range route.Methods {
			if !slices.Contains(methods[path], m) {
				e.Add(m, path, func(echo.Context) error { return refuse })
			}
		}
	}
	e.RouteNotFound("/*", s.fallback)
}

// ownEndpoint wraps every handler of ours. Responses are personal and must not be
// cached (handlers of public data overrule it); bodies are small and arrive soon.
func ownEndpoint(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		if c.Request().ContentLength > maxBody {
			return problem(codeBodyTooLarge, "Send at most 64 KiB.")
		}
		limitBodyTime(c)
		return next(c)
	}
}

// fallback answers requests whose path no route names.
func (s *Server) fallback(c echo.Context) error {
	if underAPI(sentPath(c)) {
		return s.proxied(c)
	}
	limitBodyTime(c) // a page needs no body, and one that never arrived held the connection
	return s.page(c)
}
