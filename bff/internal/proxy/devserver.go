package proxy

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// NewDevServer forwards pages and files to a front-end development server,
// its hot-reload WebSocket included. Our cookies stay behind: such a server
// runs whatever npm brought along.
func NewDevServer(to *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{}, // not the environment's proxy
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Cookie")
			r.Out.Header.Del("Authorization")
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Del("Set-Cookie")
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprintf(w, "The development server at %s does not answer. Start it with `make dev`.\n\n%v\n", to, err)
		},
	}
}
