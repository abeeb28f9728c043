package route

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Access says who may use a row.
type Access uint8

// The zero value is the strict one, so that a forgotten field opens nothing.
const (
	Member   Access = iota // a session is needed
	Optional               // forwarded as somebody when there is a session
	Public                 // forwarded as nobody, always
)

// IdentityMode says how an upstream learns who is asking.
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

// Config is a row of the route table as it is written. Its zero fields stand for the defaults.
type Config struct {
	Path           string        // prefix on segment borders, under /api
	Upstreams      []*url.URL    // origins; at least one
	StripPrefix    string        // cut off before forwarding
	Access         Access        //
	Roles          []string      // any of; empty: every role
	Methods        []string      // empty: every one of Methods
	Audience       string        // `aud` of the identity token; empty: Path's last segment
	Identity       IdentityMode  //
	ForwardCookies bool          // cookies which are not ours pass, both ways
	Timeout        time.Duration // to the response header; 0: 30 s
	MaxBody        int64         // bytes; 0: 10 MiB; NoLimit: none
	// ForwardAuthorization passes the client's own Authorization, such as an API
	// key. The identity token takes that header's place, so it needs another
	// Identity.
	ForwardAuthorization bool
	// AllowCrossSite lifts the cross-site rule, for a row that is Public and
	// has IdentityNone.
	AllowCrossSite bool
	HealthPath     string // asked by Run; empty: only real requests tell
}

var (
	// Methods are those that are served at all. TRACE and CONNECT are missing on
	// purpose: the one shows a client the identity token that we added, the
	// other makes us an open tunnel.
	Methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	// Roles are those of auth, which this package may not import. A test of web
	// compares them.
	Roles = []string{"user", "admin"}
	// Reserved are the gatehouse's own paths under /api. A test of web compares
	// them with its routes.
	Reserved = []string{"/api/auth", "/api/admin", "/api/openapi.yaml"}
)

// mistake is one thing wrong with a row, by the key a file would have it under.
type mistake struct{ key, text string }

// restsOn names the keys that a rule about a key looks at as well: while the
// value of one of them cannot be read, the rule has nothing to say.
var restsOn = map[string][]string{
	"roles": {"access"}, "strip_prefix": {"path"}, "forward_authorization": {"identity"}, "cross_site": {"access", "identity"},
}

// check fills in the defaults and returns everything that is wrong.
func (r *Config) check() []mistake {
	var wrong []mistake
	add := func(key, format string, args ...any) {
		wrong = append(wrong, mistake{key, fmt.Sprintf(format, args...)})
	}

	r.checkPath(add)
	r.checkUpstreams(add)
	if p := r.StripPrefix; p != "" && r.Path != "" && !within(r.Path, p) {
		add("strip_prefix", "%q is not a prefix of the path %q on a segment border; use for example %q", p, r.Path, firstSegment(r.Path))
	}
	if r.ForwardAuthorization && r.Identity == IdentityJWT {
		add("forward_authorization", "the identity token takes the place of the client's Authorization; add `identity: none` or `identity: headers`")
	}
	if r.AllowCrossSite && (r.Access != Public || r.Identity != IdentityNone) {
		add("cross_site", "pages of other sites may only use what anybody may; it needs `access: public` and `identity: none`")
	}
	if len(r.Roles) > 0 && r.Access != Member {
		add("roles", "roles need `access: member`; remove the roles or the access")
	}
	for i, role := range r.Roles {
		if !slices.Contains(Roles, role) {
			add("roles", "unknown role %q; roles are %s", role, strings.Join(Roles, ", "))
		} else if slices.Contains(r.Roles[:i], role) {
			add("roles", "%q twice; remove one", role)
		}
	}
	for i, method := range r.Methods {
		if !slices.Contains(Methods, method) {
			add("methods", "method %q cannot be forwarded; methods are %s", method, strings.Join(Methods, ", "))
		} else if slices.Contains(r.Methods[:i], method) {
			add("methods", "%q twice; remove one", method)
		}
	}
	if len(r.Methods) == 0 {
		r.Methods = Methods
	}
	if r.Audience == "" {
		r.Audience = r.Path[strings.LastIndexByte(r.Path, '/')+1:]
	}
	if strings.ContainsFunc(r.Audience, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		add("audience", "%q may hold printable ASCII only", r.Audience)
	}
	if r.Timeout == 0 {
		r.Timeout = defaultTimeout
	}
	if r.Timeout < 0 {
		add("timeout", "%s is negative; give a duration such as 30s", r.Timeout)
	}
	if r.MaxBody == 0 {
		r.MaxBody = defaultMaxBody
	}
	if r.MaxBody < NoLimit {
		add("max_body", "%d is negative; give a size such as 10MiB, or none", r.MaxBody)
	}
	if r.HealthPath != "" {
		if err := CheckPath(r.HealthPath); err != nil {
			add("health_path", "%q: %v", r.HealthPath, err)
		}
	}
	return wrong
}

func (r *Config) checkPath(add func(key, format string, args ...any)) {
	switch p := r.Path; {
	case p == "":
		add("path", "missing; give a prefix such as /api/orders")
	case !within(p, "/api"):
		// The cross-site rule guards /api only; a proxied path elsewhere
		// would be open to every site that a member visits.
		add("path", "%q must be /api or below it, such as /api%s", p, strings.TrimRight("/"+strings.TrimLeft(p, "/"), "/"))
	case strings.HasSuffix(p, "/"):
		add("path", "%q ends in a slash; write %q, which covers everything below it too", p, strings.TrimRight(p, "/"))
	case len(p) > maxPathSize:
		add("path", "longer than %d bytes; use a shorter prefix", maxPathSize)
	case strings.ContainsFunc(p, func(c rune) bool { return c != '/' && (c > 0x7f || !isUnreserved(byte(c))) }):
		// Anything else could be spelled in two ways, encoded and not.
		add("path", "%q may hold letters, digits and - . _ ~ only; wildcards are not needed, a path covers everything below it", p)
	case CheckPath(p) != nil:
		add("path", "%q: %v", p, CheckPath(p))
	default:
		for _, own := range Reserved {
			if within(strings.ToLower(p), own) {
				add("path", "%q is reserved: %s is the gatehouse's own; choose another prefix", p, own)
			}
		}
	}
}

func (r *Config) checkUpstreams(add func(key, format string, args ...any)) {
	if len(r.Upstreams) == 0 {
		add("upstreams", "missing; give at least one origin such as http://orders:8000")
	}
	for i, u := range r.Upstreams {
		shown := u.Redacted()
		switch {
		case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != SchemeH2C, u.Hostname() == "", u.Opaque != "":
			add("upstreams", "%q is not an origin; write it like http://orders:8000 (or https, or h2c for HTTP/2 without TLS)", shown)
		case u.User != nil:
			add("upstreams", "%q holds credentials, which are never sent; remove them", shown)
		case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
			add("upstreams", "%q must be an origin without path or query; the path judged is the path sent, minus strip_prefix", shown)
		case slices.ContainsFunc(r.Upstreams[:i], func(v *url.URL) bool { return Origin(v) == Origin(u) }):
			add("upstreams", "%q twice; remove one", shown)
		}
	}
}

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

// URLScheme is what a URL of an upstream's begins with.
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
