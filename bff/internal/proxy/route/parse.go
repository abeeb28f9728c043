package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
)

// ParseTable reads the routes file (YAML 1.2, one document). It is strict: an
// unknown key is a mistake, because `role: [admin]` silently ignored would be
// an open door. The error joins every mistake of the file, each with its line
// and the fix.
//
// It walks the syntax tree: a decoder into a struct stops at the first mistake.
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
		if broken(w.key) || slices.ContainsFunc(keyNamed(w.key).looksAt(), broken) {
			continue // a value that could not be read is reported already
		}
		line, ok := f.lines[w.row][w.key]
		if !ok {
			line = f.lines[w.row][""]
		}
		f.mistakeAt(line, "%s: %s", w.key, w.text)
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

// routesFile collects the mistakes of a file, and the lines of its keys.
type routesFile struct {
	wrong  []lineError
	lines  []map[string]int  // per row, by key; "" is the row itself
	broken []map[string]bool // per row: keys whose value was refused while reading
}

func (f *routesFile) mistakeAt(line int, format string, args ...any) {
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
		f.mistakeAt(1, "one document with the key `routes` is needed")
		return nil
	}
	routes := f.mapping(file.Docs[0].Body, "the file", []string{"routes"})["routes"]
	if routes == nil {
		if len(f.wrong) == 0 {
			f.mistakeAt(1, "the key `routes` is missing; write `routes: []` for none")
		}
		return nil
	}
	list, ok := routes.(*ast.SequenceNode)
	if !ok {
		f.mistakeAt(lineOf(routes), "`routes` must be a list")
		return nil
	}
	for _, n := range list.Values {
		rows = append(rows, f.row(n))
	}
	return rows
}

func (f *routesFile) row(n ast.Node) (row Config) {
	values := f.mapping(n, "a route", keyNames())
	lines, broken := map[string]int{"": lineOf(n)}, map[string]bool{}
	f.lines, f.broken = append(f.lines, lines), append(f.broken, broken)
	if values == nil { // not a mapping, which is reported
		for _, k := range keys {
			broken[k.name] = true
		}
		return row
	}
	for _, k := range keys {
		v := values[k.name]
		if v == nil {
			continue
		}
		lines[k.name] = lineOf(v)
		if err := k.parse(&row, v); err != nil {
			broken[k.name] = true
			f.mistakeAt(lineOf(v), "%s: %v", k.name, err)
		}
	}
	return row
}

// mapping returns the values of a mapping by key, or nil when n is not one.
func (f *routesFile) mapping(n ast.Node, what string, known []string) map[string]ast.Node {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		f.mistakeAt(lineOf(n), "%s must be a mapping with the keys %s", what, strings.Join(known, ", "))
		return nil
	}
	values := make(map[string]ast.Node)
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		switch {
		case !slices.Contains(known, key):
			f.mistakeAt(lineOf(p.Key), "unknown key %q; known are %s", key, strings.Join(known, ", "))
		case values[key] != nil:
			f.mistakeAt(lineOf(p.Key), "key %q twice; remove one", key)
		default:
			values[key] = p.Value
		}
	}
	return values
}
