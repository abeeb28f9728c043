package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one parsed file.
type source struct {
	path  string // from the repository's root, with slashes
	pkg   string
	test  bool // of tests only: a _test file, or in a package of test support
	lines int
	set   *token.FileSet
	file  *ast.File
}

// packageOf names the package of a file in the tables: "main" for bff itself,
// "auth/authtest" for bff/internal/auth/authtest, "e2e" for all below bff/e2e.
func packageOf(file string) string {
	dir := path.Dir(file)
	switch {
	case dir == "bff":
		return "main"
	case dir == "spa" || strings.HasPrefix(dir, "spa/"):
		return "spa"
	}
	if inner, ok := strings.CutPrefix(dir, "bff/internal/"); ok {
		return inner
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(dir, "bff/"), "/")
	return first
}

func parse(path string, text []byte) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	pkg := packageOf(path)
	return source{
		path: path, pkg: pkg, set: set, file: file,
		test:  strings.HasSuffix(path, "_test.go") || slices.Contains(onlyForTests, pkg),
		lines: strings.Count(string(text), "\n"),
	}, err
}

// isTestCode: a _test file, or a file of the harness that the packages of
// bff/e2e import, which is one in all but its name.
func (f source) isTestCode() bool {
	return strings.HasSuffix(f.path, "_test.go") || strings.HasPrefix(f.path, harnessFolder)
}

// readTree parses what the patterns match below root, folders with all below
// them.
func readTree(t *testing.T, root string, patterns ...string) (out []source) {
	t.Helper()
	add := func(file string) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), text)
		out = append(out, s)
		return err
	}
	for _, pattern := range patterns {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(matches) == 0 {
			t.Fatalf("%s: %d matches, %v", pattern, len(matches), err)
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(file string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || filepath.Ext(file) != ".go" {
					return err
				}
				return add(file)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// breaches is every breach of every rule, as file:line: what is wrong; what to do.
func breaches(files []source) (out []string) {
	for _, f := range files {
		report := func(at ast.Node, format string, args ...any) {
			out = append(out, fmt.Sprintf("%s:%d: %s", f.path, f.set.Position(at.Pos()).Line, fmt.Sprintf(format, args...)))
		}
		f.checkPackage(report)
		f.checkImports(report)
		f.checkCalls(report)
	}
	return out
}

type reporter func(at ast.Node, format string, args ...any)

func (f source) checkPackage(report reporter) {
	if _, known := arrows.may(f.pkg); !known {
		report(f.file.Name, "package %s is not in arrows; add it there with the packages that it may import, and to README's tree", f.pkg)
	}
	for name := range strings.SplitSeq(path.Dir(f.path), "/") {
		if slices.Contains(meaningless, name) {
			report(f.file.Name, "a package named %s holds anything; name it for what it holds", name)
		}
	}
	if !f.test && f.lines > maxLines {
		report(f.file.Name, "%d lines; split what is more than %d", f.lines, maxLines)
	}
}

func (f source) checkImports(report reporter) {
	for _, spec := range f.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // does not compile either
		}
		if inner, ours := strings.CutPrefix(name, module); ours {
			f.checkArrow(spec, packageOf(inner+"/x.go"), report)
			continue
		}
		if f.isTestCode() {
			continue
		}
		pkgs, owned := ownersOf(name)
		standard := !strings.Contains(strings.Split(name, "/")[0], ".")
		switch {
		case owned && !slices.Contains(pkgs, f.pkg):
			report(spec, "%s belongs to %s; import that package instead", name, strings.Join(pkgs, ", "))
		case !owned && !standard:
			report(spec, "%s has no owner; name one in owners, and why it is needed in docs/decisions", name)
		}
	}
}

// ownersOf finds the longest entry that name is at or below.
func ownersOf(name string) (pkgs []string, owned bool) {
	for ; name != "."; name = path.Dir(name) {
		if pkgs, owned := owners[name]; owned {
			return pkgs, true
		}
	}
	return nil, false
}

func (f source) checkArrow(spec ast.Node, other string, report reporter) {
	if other == f.pkg {
		return // an external test of its own package, or e2e's own packages
	}
	if f.isTestCode() {
		if !slices.Contains(reachable(f.pkg), other) {
			report(spec, "tests of %s may not import %s; test what needs both in bff/e2e", f.pkg, other)
		}
		return
	}
	may, _ := arrows.may(f.pkg)
	switch {
	case slices.Contains(may, other):
	case slices.Contains(onlyForTests, other):
		report(spec, "%s is for tests and bff/e2e; product code may not import it", other)
	default:
		report(spec, "%s may not import %s; it may import %v. Pass what is needed in, or wire it in app", f.pkg, other, may)
	}
}

// imports reports whether f imports library or what is below it.
func (f source) imports(library string) bool {
	return slices.ContainsFunc(f.file.Imports, func(spec *ast.ImportSpec) bool {
		name := strings.Trim(spec.Path.Value, `"`)
		return name == library || strings.HasPrefix(name, library+"/")
	})
}

// reachable lists the packages that the tests of pkg may import.
func reachable(pkg string) []string {
	found := []string{pkg}
	add := func(more []string) {
		for _, p := range more {
			if !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	add(arrowsOfTest[pkg])
	if pkg == "e2e" || pkg == "bench" {
		may, _ := arrows.may(pkg)
		add(may)
		return found
	}
	add(testSupport)
	for n := 0; n < len(found); n++ {
		may, _ := arrows.may(found[n])
		add(may)
	}
	return found
}
