// Package pages holds the single-page app: its files, which paths are its pages,
// and who those are for. The app is a folder that a build has written, or a
// development server.
package pages

import (
	"path/filepath"
	"strings"
)

// Access is the group of people who may open a page.
type Access string

const (
	Anyone  Access = "anyone"
	Members Access = "members"
)

// SignIn is the page that requests without a session are redirected to.
const SignIn = "/signin"

// LooksLikeFile reports whether a client at path wants a file: a script of an older
// build, a source map, a program's file in /.well-known. When it is missing, the
// response must not be a page of HTML with status 200 or 404, which used to be
// parsed as a script.
func LooksLikeFile(path string) bool {
	return strings.HasPrefix(path, assetsDir) || strings.HasPrefix(path, "/.well-known/") || filepath.Ext(path) != ""
}
