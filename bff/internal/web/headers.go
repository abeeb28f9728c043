package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// securityHeaders are on every answer of every kind, ours and proxied, once.
// All answers share the values, which must not be written into: Set replaces a
// value, and Add copies one that has no space for more.
type securityHeaders struct {
	page       string // the Content-Security-Policy of pages
	pages, api []headerLine
}

type headerLine struct {
	name  string
	value []string
}

// newSecurityHeaders: dev, because a development server's pages need inline
// scripts; policies are the Trusted Types policies that pages may make.
func newSecurityHeaders(hsts, dev bool, policies []string) securityHeaders {
	s := securityHeaders{page: pageCSP}
	switch {
	case dev:
		s.page = devCSP
	case len(policies) > 0:
		s.page = strings.Replace(pageCSP, "trusted-types 'none'", "trusted-types "+strings.Join(policies, " "), 1)
	}
	everywhere := []headerLine{
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", noReferrer},
		{"Permissions-Policy", []string{permissionsPolicy}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"X-Frame-Options", []string{"DENY"}}, // for browsers that predate frame-ancestors
	}
	if hsts {
		everywhere = append(everywhere, headerLine{"Strict-Transport-Security", []string{twoYears}})
	}
	s.api = append(slices.Clone(everywhere), headerLine{"Content-Security-Policy", []string{apiCSP}})
	s.pages = append(slices.Clone(everywhere), headerLine{"Content-Security-Policy", []string{s.page}})
	if dev {
		s.pages = append(s.pages, headerLine{"Content-Security-Policy-Report-Only", []string{devReportCSP}})
	}
	return s
}

const (
	// Nothing inline, nothing from other origins, no eval; script sinks take no
	// strings at all (Trusted Types).
	pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
		"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	// DevRelaxes lists what this gives up. It keeps: nothing from other origins, no
	// eval, no frames around it, forms and base shut.
	devCSP = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// In development Trusted Types only report: a tool may break them, and the
	// console shows what production will refuse.
	devReportCSP = "require-trusted-types-for 'script'; trusted-types 'none'"
	// An answer under /api that is opened as a document can run nothing.
	apiCSP = "default-src 'none'; frame-ancestors 'none'; sandbox"

	// The age that preload lists ask for; subdomains are for the operator to decide.
	twoYears = "max-age=63072000"

	permissionsPolicy = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
		"microphone=(), midi=(), payment=(), usb=()"
)

// DevRelaxes lists, for the log, what pages of a development server may do and
// production's may not.
const DevRelaxes = "inline scripts and styles (React refresh and style updates are), data: images, WebSockets to anywhere (hot reload), " +
	"media and frames of this origin; Trusted Types report and do not refuse"

// sameOriginReferrer is the policy of pages. With `no-referrer` browsers send a
// form of the page itself with `Origin: null`, which the cross-site rule refused
// as another site's; other sites learn nothing by this one either.
var sameOriginReferrer = []string{"same-origin"}

// referrerOfPages looks at the type when the header is about to be sent: files
// and development servers have pages beside index.html.
func referrerOfPages(h http.Header) {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "text/html", "application/xhtml+xml":
		h["Referrer-Policy"] = sameOriginReferrer
	default:
		h["Referrer-Policy"] = noReferrer
	}
}

var noReferrer = []string{"no-referrer"}

func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		lines := s.headers.pages
		if underAPI(c.Request().URL.Path) {
			lines = s.headers.api
		}
		h := c.Response().Header()
		for _, line := range lines {
			h[line.name] = line.value
		}
		if !underAPI(c.Request().URL.Path) {
			c.Response().Before(func() { referrerOfPages(h) })
		}
		return next(c)
	}
}
