package pages

import "net/http"

// DevServer takes pages and files from a development server, hot reload's
// WebSocket included: same origin and same cookies as in production.
type DevServer struct{ server http.Handler }

// NewDevServer takes a handler that forwards to the development server.
func NewDevServer(server http.Handler) DevServer { return DevServer{server} }

// Find implements web.Pages. Other pages are not guarded here; the development
// server serves them like files.
func (d DevServer) Find(path string) (row string, who Access) { return ownPages.find(path) }

// Policies implements web.Pages: in development they are reported, not refused.
func (d DevServer) Policies() []string { return nil }

// Asset implements web.Pages: the development server decides which files there are.
func (d DevServer) Asset(w http.ResponseWriter, r *http.Request, _ string) bool {
	d.server.ServeHTTP(w, r)
	return true
}

// Page implements web.Pages; the status is the development server's.
func (d DevServer) Page(w http.ResponseWriter, r *http.Request, _ int) { d.server.ServeHTTP(w, r) }
