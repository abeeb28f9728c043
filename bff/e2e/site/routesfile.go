package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RoutesFile is a ROUTES_FILE that a test writes to.
type RoutesFile struct {
	t    *testing.T
	Name string
}

func NewRoutesFile(t *testing.T, rows ...string) RoutesFile {
	t.Helper()
	f := RoutesFile{t, filepath.Join(t.TempDir(), "routes.yaml")}
	f.Write(rows...)
	return f
}

// Write puts these rows, each one a YAML mapping without its indentation, into
// the file. It replaces the file as an operator should: by renaming.
func (f RoutesFile) Write(rows ...string) {
	f.t.Helper()
	text := "routes:\n"
	for _, row := range rows {
		text += "  - " + strings.ReplaceAll(strings.TrimSpace(row), "\n", "\n    ") + "\n"
	}
	if len(rows) == 0 {
		text = "routes: []\n"
	}
	if err := os.WriteFile(f.Name+".new", []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.Name+".new", f.Name); err != nil {
		f.t.Fatal(err)
	}
}

// PublicRow is a route with access: public.
func PublicRow(path string, upstreams ...string) string {
	return "path: " + path + "\nupstreams: [" + strings.Join(upstreams, ", ") + "]\naccess: public"
}
