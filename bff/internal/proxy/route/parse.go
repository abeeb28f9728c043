package route

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// ParseTable reads the routes file (YAML 1.2, one document). It is strict: an
// unknown key is a mistake, because `role: [admin]` silently ignored would be
// an open door. The error joins every mistake of the file, each with its line
// and the fix.
//
// It walks the syntax tree instead of decoding into a struct, since a decoder
// stops at the first mistake.
func ParseTable(src []byte) (*Table, error) {
	src, err := textfile.UTF8(src)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(src, 0, parser.AllowDuplicateMapKey()) // duplicates are reported with the rest
	if err != nil {
		return nil, syntaxError(err)
	}
	f := &routesFile{}
	rows := f.rows(file)
	t, wrong := newTable(rows)
	for _, w := range wrong {
		broken := func(key string) bool { return f.broken[w.row][key] }
		if broken(w.key) || slices.ContainsFunc(restsOn[w.key], broken) {
			continue // its value could not even be read, and that is reported
		}
		line, ok := f.lines[w.row][w.key]
		if !ok {
			line = f.lines[w.row][""]
		}
		f.add(line, "%s: %s", w.key, w.text)
	}
	if len(f.wrong) > 0 {
		slices.SortStableFunc(f.wrong, func(a, b lineError) int { return cmp.Compare(a.line, b.line) })
		all := make([]error, len(f.wrong))
		for i, e := range f.wrong {
			all[i] = e
		}
		return nil, errors.Join(all...)
	}
	return t, nil
}

type lineError struct {
	line int
	text string
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

func syntaxError(err error) error {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		return lineError{y.GetToken().Position.Line, "not YAML: " + y.GetMessage()}
	}
	return fmt.Errorf("not YAML: %w", err)
}

// routesFile collects what is wrong with a file, and where its keys are.
type routesFile struct {
	wrong  []lineError
	lines  []map[string]int  // per row, by key; "" is the row itself
	broken []map[string]bool // per row: keys whose value was refused while reading
}

func (f *routesFile) add(line int, format string, args ...any) {
	f.wrong = append(f.wrong, lineError{line, fmt.Sprintf(format, args...)})
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func (f *routesFile) rows(file *ast.File) (rows []Config) {
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		f.add(1, "one document with the key `routes` is needed")
		return nil
	}
	routes := f.mapping(file.Docs[0].Body, "the file", []string{"routes"})["routes"]
	if routes == nil {
		if len(f.wrong) == 0 {
			f.add(1, "the key `routes` is missing; write `routes: []` for none")
		}
		return nil
	}
	list, ok := routes.(*ast.SequenceNode)
	if !ok {
		f.add(lineOf(routes), "`routes` must be a list")
		return nil
	}
	for _, n := range list.Values {
		rows = append(rows, f.row(n))
	}
	return rows
}

var rowKeys = []string{
	"path", "upstreams", "strip_prefix", "access", "roles", "methods", "audience", "identity",
	"forward_cookies", "forward_authorization", "cross_site", "timeout", "max_body", "health_path",
}

func (f *routesFile) row(n ast.Node) (row Config) {
	values := f.mapping(n, "a route", rowKeys)
	lines, broken := map[string]int{"": lineOf(n)}, map[string]bool{}
	f.lines, f.broken = append(f.lines, lines), append(f.broken, broken)
	if values == nil { // no mapping at all, reported
		for _, key := range rowKeys {
			broken[key] = true
		}
		return row
	}
	for _, key := range rowKeys {
		v := values[key]
		if v == nil {
			continue
		}
		lines[key] = lineOf(v)
		if err := setField(&row, key, v); err != nil {
			broken[key] = true
			f.add(lineOf(v), "%s: %v", key, err)
		}
	}
	return row
}

// mapping returns the values of a mapping by key, or nil when n is none.
func (f *routesFile) mapping(n ast.Node, what string, known []string) map[string]ast.Node {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		f.add(lineOf(n), "%s must be a mapping with the keys %s", what, strings.Join(known, ", "))
		return nil
	}
	values := make(map[string]ast.Node)
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		switch {
		case !slices.Contains(known, key):
			f.add(lineOf(p.Key), "unknown key %q; known are %s", key, strings.Join(known, ", "))
		case values[key] != nil:
			f.add(lineOf(p.Key), "key %q twice; remove one", key)
		default:
			values[key] = p.Value
		}
	}
	return values
}

func setField(row *Config, key string, n ast.Node) (err error) {
	switch key {
	case "path":
		row.Path, err = text(n)
	case "upstreams":
		var list []string
		list, err = texts(n)
		for _, s := range list {
			u, perr := url.Parse(s)
			if perr != nil { // without the text: it may hold credentials
				return errors.New("not a URL; write an origin such as http://orders:8000")
			}
			row.Upstreams = append(row.Upstreams, u)
		}
	case "strip_prefix":
		row.StripPrefix, err = text(n)
	case "access":
		row.Access, err = oneOf(n, []string{"member", "optional", "public"}, []Access{Member, Optional, Public})
	case "roles":
		row.Roles, err = texts(n)
	case "methods":
		row.Methods, err = texts(n)
	case "audience":
		row.Audience, err = text(n)
	case "identity":
		row.Identity, err = oneOf(n, []string{"jwt", "headers", "none"}, []IdentityMode{IdentityJWT, IdentityHeaders, IdentityNone})
	case "forward_cookies":
		row.ForwardCookies, err = oneOf(n, []string{"true", "false"}, []bool{true, false})
	case "forward_authorization":
		row.ForwardAuthorization, err = oneOf(n, []string{"true", "false"}, []bool{true, false})
	case "cross_site":
		row.AllowCrossSite, err = oneOf(n, crossSiteWords[:], []bool{false, true})
	case "timeout":
		row.Timeout, err = duration(n)
	case "max_body":
		row.MaxBody, err = size(n)
	case "health_path":
		row.HealthPath, err = text(n)
	}
	return err
}

// text wants a plain, non-empty scalar. An empty value would mean the default,
// and `roles:` with nothing behind it is more likely a forgotten value.
func text(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "", errors.New("anchors, aliases and tags are not supported; write the value out")
	case ast.ScalarNode:
		if s := n.GetToken().Value; n.Type() != ast.NullType && s != "" {
			return s, nil
		}
		return "", errors.New("empty; give a value or remove the key")
	case *ast.MappingNode:
		if len(n.Values) == 1 {
			return text(n.Values[0])
		}
	case *ast.MappingValueNode:
		// The parser takes [http://a:80] inside of braces for a mapping. A colon
		// with no space behind it is part of the text (YAML 1.2 §7.3.3).
		key, colon, value := n.Key.GetToken(), n.Start, n.Value.GetToken()
		if value != nil && key.Type == token.StringType && colon.Position.Line == value.Position.Line && colon.Position.Column+1 == value.Position.Column {
			return key.Value + ":" + value.Value, nil
		}
	}
	return "", errors.New("must be a single value")
}

func texts(n ast.Node) (list []string, err error) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, errors.New("must be a list such as [a, b]")
	}
	for _, v := range seq.Values {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, errors.New("empty list; give a value or remove the key")
	}
	return list, nil
}

func oneOf[T any](n ast.Node, words []string, values []T) (v T, err error) {
	s, err := text(n)
	if err != nil {
		return v, err
	}
	if i := slices.Index(words, s); i >= 0 {
		return values[i], nil
	}
	return v, fmt.Errorf("%q is not one of %s", s, strings.Join(words, ", "))
}
