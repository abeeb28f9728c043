package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Packages as a whole: the order of the import table, sizes, cycles.

// importTable has a line for each package: its name, then the packages that its
// code may import.
type importTable [][]string

// everyPackage in a line of the table stands for all lines below it, except
// those of test support.
const everyPackage = "every package"

// may lists the packages that the code of pkg may import, and reports whether
// the table has a line for it.
func (table importTable) may(pkg string) (imports []string, known bool) {
	at := slices.IndexFunc(table, func(line []string) bool { return line[0] == pkg })
	if at < 0 {
		return nil, false
	}
	imports = table[at][1:]
	if !slices.Contains(imports, everyPackage) {
		return imports, true
	}
	imports = nil
	for _, below := range table[at+1:] {
		if !slices.Contains(onlyForTests, below[0]) {
			imports = append(imports, below[0])
		}
	}
	return imports, true
}

// mistakes reports the lines of the table that are out of order or not needed:
// a package may import only what has a line below its own, so that the arrows
// have no cycle and the table reads from top to bottom.
func (table importTable) mistakes(files []source) (out []string) {
	used := map[string]bool{}
	for _, f := range files {
		used[f.pkg] = true
		for _, other := range f.ownImports() {
			if !strings.HasSuffix(f.path, "_test.go") {
				used[f.pkg+" → "+packageOf(other+"/x.go")] = true
			}
		}
	}
	above := map[string]bool{}
	for n, line := range table {
		pkg := line[0]
		if above[pkg] {
			out = append(out, pkg+" has two lines")
		}
		above[pkg] = true
		if !used[pkg] {
			out = append(out, pkg+" has no Go files; take its line out")
		}
		for _, other := range line[1:] {
			arrow := pkg + " → " + other
			below := slices.ContainsFunc(table[n+1:], func(l []string) bool { return l[0] == other })
			switch {
			case other == everyPackage:
			case !below:
				out = append(out, arrow+" is not an arrow to a line further down; move the lines, or cut the packages so that they need no cycle")
			case strings.HasPrefix(other, pkg+"/") && slices.Contains(onlyForTests, other):
				out = append(out, arrow+" goes from a package to its own test support")
			case !used[arrow]:
				out = append(out, arrow+" is not imported any more; take it out")
			}
		}
	}
	return out
}

// ownImports lists the folders of this module that f imports.
func (f source) ownImports() (out []string) {
	for _, spec := range f.file.Imports {
		if inner, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); ours {
			out = append(out, inner)
		}
	}
	return out
}

// tooBig reports the folders above the bounds.
func tooBig(files []source) (out []string) {
	type size struct{ files, lines int }
	sizes := map[string]size{}
	for _, f := range files {
		if folder := path.Dir(f.path); !strings.HasSuffix(f.path, "_test.go") {
			s := sizes[folder]
			sizes[folder] = size{s.files + 1, s.lines + f.lines}
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(sizes)) {
		if s := sizes[folder]; s.files > maxFolderFiles || s.lines > maxFolderLines {
			out = append(out, fmt.Sprintf("%s: %d files with %d lines without its tests, above %d or %d; split it by subject", folder, s.files, s.lines, maxFolderFiles, maxFolderLines))
		}
	}
	return out
}

// cycles reports folders of e2e and bench that import each other through their
// tests. The compiler allows that for external tests, and refuses all others.
func cycles(files []source) (out []string) {
	arrows := map[string][]string{}
	for _, f := range files {
		folder := path.Dir(f.path)
		for _, other := range f.ownImports() {
			if pkg := packageOf(f.path); other != folder && (pkg == "e2e" || pkg == "bench") && packageOf(other+"/x.go") == pkg {
				arrows[folder] = append(arrows[folder], other)
			}
		}
	}
	// A folder is in a cycle when it reaches itself.
	for _, folder := range slices.Sorted(maps.Keys(arrows)) {
		reached := slices.Clone(arrows[folder])
		for n := 0; n < len(reached); n++ {
			for _, other := range arrows[reached[n]] {
				if !slices.Contains(reached, other) {
					reached = append(reached, other)
				}
			}
		}
		if slices.Contains(reached, folder) {
			out = append(out, folder+": imports itself by way of other folders; move what both need into one of its own")
		}
	}
	return out
}
