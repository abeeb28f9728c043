package web

import "net/http"

// DevPages takes pages and files from a development server, hot reload's
// WebSocket included: same origin and same cookies as in production.
type DevPages struct{ server http.Handler }

// NewDevPages wants a handler that forwards to the development server.
func NewDevPages(server http.Handler) DevPages { return DevPages{server} }

// Asset implements Pages: the development server knows what there is.
func (d DevPages) Asset(w http.ResponseWriter, r *http.Request, _ string) bool {
	d.server.ServeHTTP(w, r)
	return true
}

// Page implements Pages; the status is the development server's.
func (d DevPages) Page(w http.ResponseWriter, r *http.Request, _ int) { d.server.ServeHTTP(w, r) }
