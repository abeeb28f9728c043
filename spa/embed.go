// Package spa holds the built single-page app.
package spa

import (
	"embed"
	"io/fs"
)

// The pattern also takes dist.placeholder.html, so that a fresh clone compiles
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
	return placeholder{files}, false
}

func mustSub(fsys fs.FS, dir string) fs.FS {
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// placeholder is a file system with one file, index.html.
type placeholder struct{ embed.FS }

func (p placeholder) Open(name string) (fs.File, error) {
	if name == "index.html" {
		return p.FS.Open("dist.placeholder.html")
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
