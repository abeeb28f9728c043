package main

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// What code may do where: the rules that look inside of functions.

// importName gives the local name of an imported package, "" when it is not imported.
func (f source) importName(name string) string {
	for _, spec := range f.file.Imports {
		if spec.Path.Value == strconv.Quote(name) {
			if spec.Name != nil {
				return spec.Name.Name
			}
			return path.Base(name)
		}
	}
	return ""
}

// is reports whether n is pkg.name, however the package was named.
func (f source) is(n ast.Node, pkg string, names ...string) bool {
	s, ok := n.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, s.Sel.Name) {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name != "" && x.Name == f.importName(pkg)
}

func (f source) checkCalls(report reporter) {
	if f.test || f.pkg == "e2e" || f.pkg == "bench" {
		f.checkStarts(report)
		return
	}
	f.checkStarts(report)
	exempt := map[ast.Node]bool{}
	ast.Inspect(f.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			if n.Name != nil && n.Name.Name == "." {
				report(n, "a dot import hides where names come from")
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasSuffix(s.Sel.Name, "Deadline") && strings.HasPrefix(s.Sel.Name, "Set") && len(n.Args) == 1 {
				ast.Inspect(n.Args[0], func(inner ast.Node) bool { exempt[inner] = true; return true })
			}
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "panic" && !f.explained(n) {
				report(n, "panic without a reason; say beside it why it cannot happen, or return an error")
			}
			if f.is(n.Fun, "net/http", "SetCookie") && !slices.Contains(cookieMakers, f.path) {
				report(n, "cookies are set in %v only, so that set and clear agree", cookieMakers)
			}
		case *ast.CompositeLit:
			if f.is(n.Type, "net/http", "Cookie") && !slices.Contains(cookieMakers, f.path) {
				report(n, "http.Cookie is made in %v only, so that set and clear agree", cookieMakers)
			}
		case *ast.SelectorExpr:
			if f.is(n, "time", "Now", "Since", "Until") && !exempt[n] && !slices.Contains(clocks, f.path) {
				report(n, "time.%s reads a clock of its own; take now from app", n.Sel.Name)
			}
			if f.is(n, "os", "Getenv", "LookupEnv", "Environ", "ExpandEnv") && !slices.Contains(environments, f.path) {
				report(n, "os.%s: the environment is read in %v only; make it a field of config.Config", n.Sel.Name, environments)
			}
		}
		return true
	})
}

// explained: a comment on the line of the panic or the one above, or a message
// that says it.
func (f source) explained(call *ast.CallExpr) bool {
	if len(call.Args) == 1 {
		switch arg := call.Args[0].(type) {
		case *ast.BasicLit:
			return true
		case *ast.CallExpr:
			if f.is(arg.Fun, "fmt", "Sprintf") {
				return true
			}
		}
	}
	line := f.set.Position(call.Pos()).Line
	for _, group := range f.file.Comments {
		if end := f.set.Position(group.End()).Line; end == line || end == line-1 {
			return true
		}
	}
	return false
}

// start is a place where something begins to run beside its caller.
type start struct {
	at    ast.Node
	where string // "file function"
}

func (f source) goStatements() (out []start) {
	for _, decl := range f.file.Decls {
		function := ""
		if d, ok := decl.(*ast.FuncDecl); ok {
			function = d.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			begins := false
			switch n := n.(type) {
			case *ast.GoStmt:
				begins = true
			case *ast.CallExpr:
				s, ok := n.Fun.(*ast.SelectorExpr)
				begins = ok && (s.Sel.Name == "Go" || s.Sel.Name == "TryGo") && len(n.Args) == 1
			}
			if begins {
				out = append(out, start{n, f.path + " " + function})
			}
			return true
		})
	}
	return out
}

func (f source) checkStarts(report reporter) {
	if f.isTestCode() || f.pkg == "auth/authtest" || f.pkg == "session/sessiontest" {
		return
	}
	for _, s := range f.goStatements() {
		if goStatements[s.where] == "" {
			report(s.at, "starts a goroutine; expose Run(ctx) error and let app start it, or list %q in goStatements with a reason", s.where)
		}
	}
}
