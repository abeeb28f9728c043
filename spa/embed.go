// Package spa holds the built single-page app.
package spa

import (
	"embed"
	"io/fs"
)

// The pattern also takes dist.placeholder, so that a fresh clone compiles
// before anybody has built the app.
//
//go:embed all:dist*
var files embed.FS

// Dist gives the app's files. built is false in a binary that was compiled
// before the app was built: then there is one page that says so.
func Dist() (dist fs.FS, built bool) {
	if _, err := fs.Stat(files, "dist/index.html"); err == nil {
		return mustSub(files, "dist"), true
	}
	return mustSub(files, "dist.placeholder"), false
}

func mustSub(fsys fs.FS, dir string) fs.FS {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}
