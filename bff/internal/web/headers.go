package web

import (
	"github.com/labstack/echo/v4"
)

// securityHeaders are on every answer of every kind, ours and proxied, once.
type securityHeaders struct {
	hsts bool
	dev  bool // a development server's pages need inline scripts
}

const (
	// Nothing inline, nothing from elsewhere, no eval; script sinks take no
	// strings at all (Trusted Types).
	pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	// Vite's React refresh injects an inline script and inline styles, and
	// its updates come over a WebSocket. Framing, forms and base stay shut.
	devCSP = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// An answer under /api that is opened as a document can run nothing.
	apiCSP = "default-src 'none'; frame-ancestors 'none'; sandbox"

	// Two years, as the preload lists ask; subdomains are the operator's own matter.
	hsts = "max-age=63072000"

	permissionsPolicy = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
		"microphone=(), midi=(), payment=(), usb=()"
)

func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		csp := pageCSP
		if s.headers.dev {
			csp = devCSP
		}
		if underAPI(c.Request().URL.Path) {
			csp = apiCSP
		}
		h["Content-Security-Policy"] = []string{csp}
		h["X-Content-Type-Options"] = []string{"nosniff"}
		h["Referrer-Policy"] = []string{"no-referrer"}
		h["Permissions-Policy"] = []string{permissionsPolicy}
		h["Cross-Origin-Opener-Policy"] = []string{"same-origin"}
		h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
		h["X-Frame-Options"] = []string{"DENY"} // for browsers that predate frame-ancestors
		if s.headers.hsts {
			h["Strict-Transport-Security"] = []string{hsts}
		}
		return next(c)
	}
}
