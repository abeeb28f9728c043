package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sources parses files that are given as path and code, in turns.
func sources(t *testing.T, pathsAndCode ...string) (out []source) {
	t.Helper()
	for pair := range slices.Chunk(pathsAndCode, 2) {
		f, err := parse(pair[0], []byte("package x\n"+pair[1]+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func one(t *testing.T, got []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("is fine, got %q", got)
	case want != "" && (len(got) != 1 || !strings.Contains(got[0], want)):
		t.Errorf("want %q, got %q", want, got)
	}
}

func TestPackageNames(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"bff/main.go":                          "main",
		"bff/internal/web/x.go":                "web",
		"bff/internal/web/listener/x_test.go":  "web/listener",
		"bff/internal/auth/authtest/fake/x.go": "auth/authtest/fake",
		"bff/e2e/x_test.go":                    "e2e",
		"bff/e2e/site/x.go":                    "e2e",
		"bff/bench/load/x.go":                  "bench",
		"spa/embed.go":                         "spa",
	} {
		if got := packageOf(file); got != want {
			t.Errorf("%s is of %s, want %s", file, got, want)
		}
	}
}

func TestImportTableBites(t *testing.T) {
	t.Parallel()
	importing := func(pkg string) string { return fmt.Sprintf("import _ %q", module+"bff/internal/"+pkg) }
	files := sources(t,
		"bff/internal/app/x.go", importing("web")+"\n"+importing("servertest"),
		"bff/internal/web/x.go", importing("token")+"\n"+importing("web/listener"),
		"bff/internal/web/listener/x.go", "",
		"bff/internal/token/x.go", "",
		"bff/internal/token/x_test.go", importing("servertest"),
		"bff/internal/servertest/x.go", "")
	for name, c := range map[string]struct {
		table importTable
		want  string
	}{
		"in order":               {importTable{{"app", everyPackage}, {"web", "token", "web/listener"}, {"web/listener"}, {"token"}, {"servertest"}}, ""},
		"upwards":                {importTable{{"app", "web"}, {"token"}, {"web", "token"}, {"web/listener"}, {"servertest"}}, "web → token is not an arrow to a line further down"},
		"to itself":              {importTable{{"app", "web"}, {"web", "token", "web"}, {"web/listener"}, {"token"}, {"servertest"}}, "web → web is not an arrow"},
		"to an unknown package":  {importTable{{"app", "web", "new"}, {"web"}, {"web/listener"}, {"token"}, {"servertest"}}, "app → new is not an arrow"},
		"unused":                 {importTable{{"app", "web", "token"}, {"web"}, {"web/listener"}, {"token"}, {"servertest"}}, "app → token is not imported any more"},
		"used by tests only":     {importTable{{"app"}, {"web"}, {"web/listener"}, {"token", "servertest"}, {"servertest"}}, "token → servertest is not imported any more"},
		"package without files":  {importTable{{"app"}, {"web"}, {"web/listener"}, {"token"}, {"servertest"}, {"old"}}, "old has no Go files"},
		"two lines of a package": {importTable{{"app"}, {"web"}, {"web/listener"}, {"web"}, {"token"}, {"servertest"}}, "web has two lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one(t, c.table.mistakes(files), c.want)
		})
	}
	ownSupport := importTable{{"auth", "auth/authtest"}, {"auth/authtest"}}
	one(t, ownSupport.mistakes(sources(t, "bff/internal/auth/x.go", "", "bff/internal/auth/authtest/x.go", "")), "goes from a package to its own test support")

	table := importTable{{"main", "app"}, {"app", everyPackage}, {"web"}, {"servertest"}, {"token"}}
	if may, known := table.may("app"); !known || !slices.Equal(may, []string{"web", "token"}) {
		t.Errorf("app may import %q, %v", may, known)
	}
	if may, known := table.may("new"); known {
		t.Errorf("a package without a line may import %q", may)
	}
}

func TestFolderSizesBite(t *testing.T) {
	t.Parallel()
	folder := func(name string, files, lines int) (out []source) {
		for n := range files {
			out = append(out, source{path: fmt.Sprintf("%s/x%d.go", name, n), lines: lines / files})
		}
		return append(out, source{path: name + "/x_test.go", lines: 5000})
	}
	const a, b = "bff/internal/a", "bff/internal/a/b"
	for name, c := range map[string]struct {
		files []source
		want  string
	}{
		"at the bounds":          {folder(a, 25, 2500), ""},
		"two folders, one below": {slices.Concat(folder(a, 20, 2000), folder(b, 20, 2000)), ""},
		"too many files":         {folder(a, 26, 260), a + ": 26 files with 260 lines"},
		"too many lines":         {folder(a, 1, 2501), a + ": 1 files with 2501 lines"},
		"inner folder":           {slices.Concat(folder(a, 1, 1), folder(b, 26, 260)), b + ": 26 files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one(t, tooBig(c.files), c.want)
		})
	}
}

func TestCyclesOfFoldersBite(t *testing.T) {
	t.Parallel()
	importing := func(folder string) string { return fmt.Sprintf("import _ %q", module+folder) }
	site := []string{"bff/e2e/site/x.go", importing("bff/internal/app"), "bff/e2e/attack/x_test.go", importing("bff/e2e/site")}
	one(t, cycles(sources(t, site...)), "")
	one(t, cycles(sources(t, append(site, "bff/e2e/attack/y_test.go", importing("bff/e2e/attack"))...)), "")
	one(t, cycles(sources(t, append(site, "bff/e2e/stack/x.go", importing("bff/e2e/attack"), "bff/e2e/stack/y.go", importing("bff/e2e/site"))...)), "")
	if got := cycles(sources(t, append(site, "bff/e2e/site/x_test.go", importing("bff/e2e/attack"))...)); len(got) != 2 {
		t.Errorf("a cycle of two folders: %q", got)
	}
	if got := cycles(sources(t, append(site, "bff/e2e/stack/x.go", importing("bff/e2e/attack"), "bff/e2e/site/x_test.go", importing("bff/e2e/stack"))...)); len(got) != 3 {
		t.Errorf("a cycle of three folders: %q", got)
	}
}
