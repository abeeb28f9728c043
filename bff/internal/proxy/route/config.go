package route

import (
	"net/url"
	"strings"
	"time"
)

// Access says who may call a route.
type Access uint8

// The zero value is the strict one, so that a forgotten field opens nothing.
const (
	Member   Access = iota // a session is needed
	Optional               // forwarded with the identity of the session, if there is one
	Public                 // forwarded without an identity, always
)

// IdentityMode says how an upstream is given the caller's identity.
type IdentityMode uint8

const (
	IdentityJWT     IdentityMode = iota // Authorization: Bearer, ES256
	IdentityHeaders                     // X-User-Id, X-User-Email, X-User-Role
	IdentityNone
)

const (
	defaultTimeout = 30 * time.Second
	defaultMaxBody = 10 << 20
	// NoLimit as MaxBody of a Config lets bodies of any size through.
	NoLimit     = -1
	maxPathSize = 200 // bytes of a row's path
)

// Config is a row of the route table as it is written. Zero fields stand for the
// defaults.
type Config struct {
	Path           string        // prefix on segment borders, under /api
	Upstreams      []*url.URL    // origins; at least one
	StripPrefix    string        // cut off before forwarding
	Access         Access        //
	Roles          []string      // any of; empty: every role
	Methods        []string      // empty: every one of Methods
	Audience       string        // `aud` of the identity token; empty: Path's last segment
	Identity       IdentityMode  //
	ForwardCookies bool          // other cookies than Gatehouse's own pass, both ways
	Timeout        time.Duration // to the response header; 0: 30 s
	MaxBody        int64         // bytes; 0: 10 MiB; NoLimit: none
	// ForwardAuthorization passes the client's own Authorization, such as an API
	// key. The identity token takes that header's place, so it needs another
	// Identity.
	ForwardAuthorization bool
	// AllowCrossSite lifts the cross-site rule, for a row that is Public and
	// has IdentityNone.
	AllowCrossSite bool
	HealthPath     string // requested every few seconds; empty: only forwarded requests show the upstream's state
}

var (
	// Methods are the methods that are served at all. TRACE and CONNECT are missing
	// on purpose: the one shows a client the identity token that was added, the
	// other makes an open tunnel.
	Methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	// Roles are the roles of package auth, which this package may not import. A
	// test of web compares them.
	Roles = []string{"user", "admin"}
	// Reserved are Gatehouse's own paths under /api. A test of web compares
	// them with its routes.
	Reserved = []string{"/api/auth", "/api/admin", "/api/openapi.yaml"}
)

// within reports whether path is prefix or below it on a segment border.
func within(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

func firstSegment(path string) string {
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[:i+1]
	}
	return path
}

// SchemeH2C is HTTP/2 without TLS.
const SchemeH2C = "h2c"

// URLScheme returns the scheme for the URL of an upstream: http for h2c.
func URLScheme(scheme string) string {
	if scheme == SchemeH2C {
		return "http"
	}
	return scheme
}

// Origin is scheme, host and port of u, comparable (RFC 6454 §4).
func Origin(u *url.URL) string {
	scheme, port := URLScheme(strings.ToLower(u.Scheme)), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}
