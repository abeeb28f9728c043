package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Identity is the user that a request is forwarded for; the zero value is none.
type Identity struct{ UserID, SessionID, Email, Role string }

// Table is the list of everything that is reachable behind Gatehouse. It does not
// change; a reload makes a new one.
type Table struct {
	routes  map[string]*Route // by path
	folded  map[string]*Route // by lower-case path
	longest int               // bytes of the longest path
	all     []*Route          // in the order given
}

// Route is a checked Config, with values that forwarding needs for each request. It
// is shared and must not be changed.
type Route struct {
	Config
	own       bool   // one of Reserved, which no upstream may answer
	allow     string // Allow header of a 405
	AnyMethod bool   // Methods is not a restriction
	// audienceByDefault: the file has no audience, and the path gave it.
	audienceByDefault bool
	// ForwardedPrefix is the value of X-Forwarded-Prefix, shared by all
	// requests; nil where nothing is cut off.
	ForwardedPrefix []string
}

// NewTable checks rows and makes a table of them. The error joins all mistakes,
// each with its row and the fix.
func NewTable(rows ...Config) (*Table, error) {
	t, wrong := newTable(rows)
	var all []error
	for _, w := range wrong {
		all = append(all, fmt.Errorf("route %d (%s): %s: %s", w.row+1, rows[w.row].Path, w.key, w.text))
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return t, nil
}

type rowMistake struct {
	row int // index
	mistake
}

func newTable(rows []Config) (*Table, []rowMistake) {
	t := &Table{routes: make(map[string]*Route), folded: make(map[string]*Route)}
	for _, path := range Reserved {
		t.index(&Route{Config: Config{Path: path}, own: true})
	}
	var wrong []rowMistake
	for i := range rows {
		rt := &Route{Config: rows[i]}
		rt.AnyMethod = len(rt.Methods) == 0
		rt.audienceByDefault = rt.Audience == ""
		for _, m := range rt.fillAndCheck() {
			wrong = append(wrong, rowMistake{i, m})
		}
		if other := t.folded[strings.ToLower(rt.Path)]; other != nil && !other.own {
			wrong = append(wrong, rowMistake{i, mistake{"path", fmt.Sprintf("%q twice (upper and lower case count as one); remove one", rt.Path)}})
		}
		if rt.StripPrefix != "" {
			rt.ForwardedPrefix = []string{rt.StripPrefix}
		}
		rt.allow = strings.Join(rt.Methods, ", ")
		t.all = append(t.all, rt)
		t.index(rt)
	}
	return t, wrong
}

func (t *Table) index(rt *Route) {
	t.routes[rt.Path] = rt
	t.folded[strings.ToLower(rt.Path)] = rt
	t.longest = max(t.longest, len(rt.Path))
}

// Routes returns the rows with their defaults, in the order given. The slice is the
// table's own.
func (t *Table) Routes() []*Route { return t.all }

// Covers reports whether path is the route's or below it on a segment border.
func (rt *Route) Covers(path string) bool { return within(path, rt.Path) }

// longestMatch finds the longest entry that is path or above it on a segment
// border.
func longestMatch(routes map[string]*Route, path string, longest int) (found *Route) {
	for i := 1; i <= len(path) && i <= longest; i++ {
		if i == len(path) || path[i] == '/' {
			if rt := routes[path[:i]]; rt != nil {
				found = rt
			}
		}
	}
	return found
}

// Outcome is the result of a Decision.
type Outcome uint8

const (
	NotFound         Outcome = iota // 404: no row; the default of everything
	BadPath                         // 400: Decision.Reason says why
	MethodNotAllowed                // 405: Decision.Allow
	NeedsSession                    // 401, unless the caller finds a session and decides again
	Forbidden                       // 403: signed in, without any of the roles
	Forward
)

// Decision is how a request is to be answered.
type Decision struct {
	Outcome Outcome
	Allow   string // value of the Allow header for MethodNotAllowed
	Reason  error  // for BadPath; wraps ErrBadPath

	route *Route
	path  string // "" unless the method is allowed
}

// Route is the row that the request falls under, nil for NotFound and BadPath.
func (d Decision) Route() *Route { return d.route }

// UpstreamPath is the path for the upstream: exactly what was judged, minus
// StripPrefix.
func (d Decision) UpstreamPath() string { return d.path }

// Decide finds the row of a request, and how it is to be answered. It is a pure
// function. rawPath is the path as the client sent it, see [RawPath]. who is nil
// before the caller has authenticated the client: a route for members is then
// NeedsSession, and the caller authenticates and goes on with [Decision.As].
func (t *Table) Decide(method, rawPath string, who *Identity) Decision {
	if err := CheckPath(rawPath); err != nil {
		return Decision{Outcome: BadPath, Reason: err}
	}
	rt := longestMatch(t.routes, rawPath, t.longest)
	folded, separators := foldPath(rawPath, t.longest)
	if sloppy := longestMatch(t.folded, folded, t.longest); sloppy != rt {
		// An upstream that takes %2F for a slash, cuts ;parameters off or ignores
		// case would serve a path that belongs to another row:
		// /api/orders%2Fadmin, /api/orders/admin;x, /api/orders/ADMIN.
		if rt == nil && !separators {
			return Decision{} // only case differs, and nothing would be sent
		}
		return Decision{Outcome: BadPath, Reason: badPath("it can be taken for %s; send that path in its plain spelling", sloppy.Path)}
	}
	if rt == nil || rt.own {
		return Decision{}
	}
	d := Decision{route: rt}
	if !slices.Contains(rt.Methods, method) {
		d.Outcome, d.Allow = MethodNotAllowed, rt.allow
		return d
	}
	d.path = rawPath[len(rt.StripPrefix):]
	if d.path == "" {
		d.path = "/"
	}
	return d.As(who)
}

// As decides again for an identity. Outcomes that do not depend on it stay.
func (d Decision) As(who *Identity) Decision {
	if d.path == "" {
		return d
	}
	d.Outcome = Forward
	if d.route.Access == Member {
		switch {
		case who == nil || who.UserID == "":
			d.Outcome = NeedsSession
		case len(d.route.Roles) > 0 && !slices.Contains(d.route.Roles, who.Role):
			d.Outcome = Forbidden
		}
	}
	return d
}
