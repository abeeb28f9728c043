package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tree in README lacked a folder of the app for weeks.
func TestProjectTreeOfReadmeIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Project tree\n\n```\n")
	tree, _, found := strings.Cut(section, "\n```\n")
	if !found {
		t.Fatal("README.md has no section Project tree with a block of code")
	}
	listed := treePaths(tree)
	for _, entry := range listed {
		if _, err := os.Stat(filepath.Join("..", entry)); err != nil {
			t.Errorf("README's tree has %s: %v", entry, err)
		}
	}
	for _, folder := range sourceFolders(t) {
		if !slices.Contains(listed, folder) {
			t.Errorf("README's tree lacks %s", folder)
		}
	}
}

// sourceFolders finds the folders with Go files, and those of the app down to
// one feature, one part of lib.
func sourceFolders(t *testing.T) (out []string) {
	t.Helper()
	for _, f := range readTree(t, "..", "bff", "spa/*.go") {
		out = append(out, path.Dir(f.path))
	}
	err := filepath.WalkDir("../spa/src", func(name string, d fs.DirEntry, err error) error {
		folder := strings.TrimPrefix(filepath.ToSlash(name), "../")
		if err == nil && d.IsDir() && strings.Count(folder, "/") <= strings.Count("spa/src/features/one", "/") {
			out = append(out, folder)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var (
	treeLine  = regexp.MustCompile(`^( *)((?:\S+(?:/|\.go) ?)+)(?:  .*)?$`)
	treeGroup = regexp.MustCompile(`^(.*)\{(.*)\}(.*)$`)
)

// treePaths reads a tree that is drawn by indents of two. A line has one or
// more names, and then its text after two spaces or more; a/b/ stands for a/
// and a/b/, x/{a,b}/ for x/, x/a/ and x/b/.
func treePaths(tree string) (out []string) {
	var above []string
	for line := range strings.Lines(tree) {
		m := treeLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			out = append(out, "a line that cannot be read: "+line)
			continue
		}
		above = above[:min(len(m[1])/2, len(above))]
		parent := path.Join(above...)
		names := strings.Fields(m[2])
		for _, name := range names {
			group := treeGroup.FindStringSubmatch(name)
			if group == nil {
				group = []string{"", "", name, ""}
			}
			for member := range strings.SplitSeq(group[2], ",") {
				entry := path.Join(parent, group[1]+member+group[3])
				for ; entry != parent && entry != "."; entry = path.Dir(entry) {
					out = append(out, entry)
				}
			}
		}
		above = append(above, strings.TrimSuffix(names[0], "/"))
	}
	return out
}

func TestTreePaths(t *testing.T) {
	t.Parallel()
	got := treePaths("a/\n  main.go x.go   text, with/ a slash\n  b/ c/          text\n  d/e/           text\n    f/\nlib/{g,h}/\n???\n")
	want := []string{"a", "a/main.go", "a/x.go", "a/b", "a/c", "a/d/e", "a/d", "a/d/e/f", "lib/g", "lib", "lib/h", "lib", "a line that cannot be read: ???\n"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}
