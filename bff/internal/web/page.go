package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/refusal"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/pages"
)

// pageAliases are paths that people type and old links have, for apps without a
// page there.
var pageAliases = map[string]string{
	"/login":    pages.SignIn,
	"/register": "/signup",
}

// Pages is where the single-page app comes from.
type Pages interface {
	// Find returns the row of the app's pages that path is in, and who may open
	// it; "" when path is not a page.
	Find(path string) (row string, who pages.Access)
	// Policies names the Trusted Types policies that the app may make.
	Policies() []string
	// Asset serves the file at path and reports whether there is one.
	Asset(w http.ResponseWriter, r *http.Request, path string) bool
	// Page serves the app's document with this status.
	Page(w http.ResponseWriter, r *http.Request, status int)
}

// page serves paths outside /api that no route names: files of the app, its pages,
// and its 404.
func (s *Server) page(c echo.Context) error {
	r, w := c.Request(), c.Response()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return &methodNotAllowed{allow: "GET, HEAD"}
	}
	p := sentPath(c)
	row, who := s.pages.Find(p)
	if row == "" {
		if to, ok := pageAliases[p]; ok {
			infoFromRequest(c).route = p
			return c.Redirect(http.StatusFound, withQuery(to, r.URL.RawQuery))
		}
		if s.pages.Asset(w, r, p) {
			infoFromRequest(c).route = "/assets"
			return nil
		}
		infoFromRequest(c).route = "/404"
		if pages.LooksLikeFile(p) {
			return problem(refusal.NotFound, "There is no such file.")
		}
		s.setArrival(w, r)
		s.pages.Page(w, r, http.StatusNotFound)
		return nil
	}
	infoFromRequest(c).route = row
	if who == pages.Members {
		if done, err := s.guard(c); done || err != nil {
			return err
		}
	}
	s.setArrival(w, r)
	s.pages.Page(w, r, http.StatusOK)
	return nil
}

// setArrival tells the app, which cannot see our cookies, that its document was
// requested without them: it need not call /me then, which would put a 401 on the
// console. It does not count when the browser may have withheld them. The header
// is always set: a 304 without it would leave an old value in place.
func (s *Server) setArrival(w http.ResponseWriter, r *http.Request) {
	arrival := "session;desc=unknown"
	switch r.Header.Get("Sec-Fetch-Site") {
	case "none", "same-origin", "same-site":
		if s.cookies.read(r).none() {
			arrival = "session;desc=none"
		}
	}
	w.Header().Set("Server-Timing", arrival)
}

// guard redirects requests without a session away from members' pages, and
// refreshes a stale session. It reports whether it has responded.
func (s *Server) guard(c echo.Context) (done bool, err error) {
	r, h := c.Request(), c.Response().Header()
	p := s.cookies.read(r)
	if p.none() {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			// Strict cookies are withheld on a click from another site: the
			// person may well be signed in. The app asks from its own origin.
			return false, nil
		}
		return true, s.toSignIn(c, nil)
	}
	grant, err := s.authenticate(c, p)
	s.clearDeadCookies(h, p, err)
	switch {
	case err == nil:
		s.setSessionCookies(h, grant.Cookies)
		return false, nil
	case endsSession(err):
		return true, s.toSignIn(c, err)
	}
	// The store could not be reached: the page is served, and the app reports it.
	infoFromRequest(c).err = fmt.Errorf("page served without a look at the session: %w", err)
	return false, nil
}

// toSignIn redirects with the reason for the session's end. The app cannot ask for
// it without the cookies: after a theft and a reload it showed none.
func (s *Server) toSignIn(c echo.Context, end error) error {
	u := c.Request().URL
	to := pages.SignIn + "?next=" + url.QueryEscape(withQuery(u.EscapedPath(), u.RawQuery))
	var known *refusal.Error
	if errors.As(end, &known) && known.Code != refusal.NotAuthenticated {
		to += "&ended=" + url.QueryEscape(string(known.Code))
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusFound, to)
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}
