package route

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// key is one key of a row: how it is read, printed by `gatehouse config`, checked,
// and described in reference.md and in the JSON Schema.
type key struct {
	name, doc string
	unset     string // the default in words, where it is not one value
	value
	// check reports the mistakes of a value that could be read; nil: every such
	// value is right.
	check func(c *Config, wrong reporter)
	needs *need
	with  string // the other key that check looks at
}

// reporter takes a mistake in the value of a key, with the fix.
type reporter func(format string, args ...any)

// need is a rule about two keys: a value other than the default is allowed only
// where each of the others has one of these words.
type need struct {
	of  []other
	why string
}

type other struct {
	key   string
	words []string
}

// required as unset marks a key that every row must have.
const required = "required"

// keys are the keys of a row, in the order of print and documents.
var keys = []key{{
	name: "path", unset: required,
	doc:   "Prefix under `/api` on segment borders; the longest one wins.",
	value: text(func(c *Config) *string { return &c.Path }, routePathSchema()),
	check: (*Config).checkPath,
}, {
	name: "upstreams", unset: required,
	doc:   "Origins that take turns: `http`, `https`, or `h2c` for HTTP/2 without TLS.",
	value: origins(),
	check: (*Config).checkUpstreams,
}, {
	name: "strip_prefix", unset: "nothing",
	doc:   "Part of `path` that is cut off before forwarding.",
	value: text(func(c *Config) *string { return &c.StripPrefix }, schema{Pattern: `^/api(/[A-Za-z0-9._~-]+)*$`}),
	check: (*Config).checkStripPrefix,
	with:  "path",
}, {
	name: "access",
	doc:  "`member` needs a session, `optional` forwards the identity of one, `public` forwards none.",
	value: oneOf(func(c *Config) *Access { return &c.Access },
		choice[Access]{"member", Member}, choice[Access]{"optional", Optional}, choice[Access]{"public", Public}),
}, {
	name: "roles", unset: "every role",
	doc:   "Roles of which a caller has to have one; only with `access: member`.",
	value: texts(func(c *Config) *[]string { return &c.Roles }, nil, Roles),
	needs: &need{[]other{{"access", []string{"member"}}}, "roles need `access: member`; remove the roles or the access"},
	check: func(c *Config, wrong reporter) {
		checkList(c.Roles, Roles, wrong, "unknown role %q; roles are %s")
	},
}, {
	name:  "methods",
	doc:   "Methods that are forwarded.",
	value: texts(func(c *Config) *[]string { return &c.Methods }, func(*Config) []string { return Methods }, Methods),
	check: func(c *Config, wrong reporter) {
		checkList(c.Methods, Methods, wrong, "method %q cannot be forwarded; methods are %s")
	},
}, {
	name: "audience", unset: "last segment of `path`",
	doc:   "`aud` of the identity token.",
	value: filled(text(func(c *Config) *string { return &c.Audience }, schema{Pattern: "^[!-~]+$"}), (*Config).fillAudience),
	check: (*Config).checkAudience,
}, {
	name: "identity",
	doc:  "How the upstream learns who calls: `jwt`, a token in `Authorization`; `headers`, `X-User-Id` and its like; or `none`.",
	value: oneOf(func(c *Config) *IdentityMode { return &c.Identity },
		choice[IdentityMode]{"jwt", IdentityJWT}, choice[IdentityMode]{"headers", IdentityHeaders}, choice[IdentityMode]{"none", IdentityNone}),
}, {
	name:  "forward_cookies",
	doc:   "Whether the browser's other cookies pass, both ways; Gatehouse's own never do.",
	value: oneOf(func(c *Config) *bool { return &c.ForwardCookies }, yesOrNo...),
}, {
	name:  "forward_authorization",
	doc:   "Whether the client's own `Authorization` passes, such as an API key; only with `identity: none` or `headers`.",
	value: oneOf(func(c *Config) *bool { return &c.ForwardAuthorization }, yesOrNo...),
	needs: &need{[]other{{"identity", []string{"headers", "none"}}}, "the identity token takes the place of the client's Authorization; add `identity: none` or `identity: headers`"},
}, {
	name:  "cross_site",
	doc:   "`allow` lifts the cross-site rule, for returns of payment providers; only with `access: public` and `identity: none`.",
	value: oneOf(func(c *Config) *bool { return &c.AllowCrossSite }, choice[bool]{"refuse", false}, choice[bool]{"allow", true}),
	needs: &need{[]other{{"access", []string{"public"}}, {"identity", []string{"none"}}}, "other sites may call public routes only, without an identity; add `access: public` and `identity: none`"},
}, {
	name:  "timeout",
	doc:   "Time to the response header, such as `90s`; streams are not cut.",
	value: duration(func(c *Config) *time.Duration { return &c.Timeout }, defaultTimeout),
	check: func(c *Config, wrong reporter) {
		if c.Timeout < 0 {
			wrong("%s is negative; give a duration such as 30s", c.Timeout)
		}
	},
}, {
	name:  "max_body",
	doc:   "Largest request body, such as `512KiB`; `none` for no limit.",
	value: size(func(c *Config) *int64 { return &c.MaxBody }, defaultMaxBody),
	check: func(c *Config, wrong reporter) {
		if c.MaxBody < NoLimit {
			wrong("%d is negative; give a size such as 10MiB, or none", c.MaxBody)
		}
	},
}, {
	name: "health_path", unset: "no checks",
	doc:   "Path that is requested from each upstream every 5 seconds; one that fails is passed over.",
	value: text(func(c *Config) *string { return &c.HealthPath }, canonicalPathSchema),
	check: func(c *Config, wrong reporter) {
		if err := CheckPath(c.HealthPath); c.HealthPath != "" && err != nil {
			wrong("%q: %v", c.HealthPath, err)
		}
	},
}}

var yesOrNo = []choice[bool]{{true, true}, {false, false}}

func keyNames() (names []string) {
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

func keyNamed(name string) *key {
	return &keys[slices.IndexFunc(keys, func(k key) bool { return k.name == name })]
}

// fallback returns the default in the form of a routes file; nil where it is not
// one value.
func (k *key) fallback() any {
	c := new(Config)
	if k.fill != nil {
		k.fill(c)
	}
	return k.print(c)
}

// looksAt lists the other keys that the rules about k depend on.
func (k *key) looksAt() (names []string) {
	if k.with != "" {
		names = append(names, k.with)
	}
	if k.needs != nil {
		for _, o := range k.needs.of {
			names = append(names, o.key)
		}
	}
	return names
}

func (n *need) met(c *Config) bool {
	return !slices.ContainsFunc(n.of, func(o other) bool { return !o.has(c) })
}

// has reports whether c has one of the words.
func (o other) has(c *Config) bool {
	return slices.Contains(o.words, fmt.Sprint(keyNamed(o.key).print(c)))
}

// mistake is one mistake in a row, with the key that has it.
type mistake struct{ key, text string }

// fillAndCheck fills in the defaults and returns all mistakes.
func (c *Config) fillAndCheck() (wrong []mistake) {
	for _, k := range keys {
		if k.fill != nil {
			k.fill(c)
		}
	}
	for _, k := range keys {
		report := func(format string, args ...any) {
			wrong = append(wrong, mistake{k.name, fmt.Sprintf(format, args...)})
		}
		if k.needs != nil && !same(k.print(c), k.fallback()) && !k.needs.met(c) {
			report("%s", k.needs.why)
		}
		if k.check != nil {
			k.check(c, report)
		}
	}
	return wrong
}

func checkList(list, known []string, wrong reporter, unknown string) {
	for i, v := range list {
		if !slices.Contains(known, v) {
			wrong(unknown, v, strings.Join(known, ", "))
		} else if slices.Contains(list[:i], v) {
			wrong("%q twice; remove one", v)
		}
	}
}
