package site

import (
	"os"
	"path/filepath"
	"sync"
)

// RepoFile gives the path of a file by its name from the repository's root,
// whatever the folder of the tests that run.
func RepoFile(name string) string { return filepath.Join(repository(), name) }

var repository = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	panic("site: no go.mod above the working directory")
})
