// Package pages holds the single-page app: its files, which paths are its pages,
// and who those are for. The app is a folder that a build has written, or a
// development server.
package pages

import (
	"path/filepath"
	"strings"
)

// Access says who may open a page.
type Access string

const (
	Anyone  Access = "anyone"
	Members Access = "members"
)

// SignIn is where people without a session are sent.
const SignIn = "/signin"

// LooksLikeFile: a miss that wants a file (a script of an older build, a
// source map, what programs look for in /.well-known) must not get a page of HTML with status 200 or 404; it used to
// be parsed as a script.
func LooksLikeFile(path string) bool {
	return strings.HasPrefix(path, assetsDir) || strings.HasPrefix(path, "/.well-known/") || filepath.Ext(path) != ""
}
