package app

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
)

// demoPath is where embedded mode has the demo API.
const demoPath = "/api/demo"

// Routes reads the route table that a configuration leads to.
func Routes(c *config.Config) (*proxy.Table, error) {
	// Where the demo API listens is known when it does.
	return routes(c, &url.URL{Scheme: "http", Host: "127.0.0.1"})
}

func hasDemo(c *config.Config) bool { return c.Embedded && c.RoutesFile == "" }

func routes(c *config.Config, demo *url.URL) (*proxy.Table, error) {
	if hasDemo(c) {
		return proxy.NewTable(proxy.Row{Path: demoPath, Upstreams: []*url.URL{demo}, StripPrefix: demoPath})
	}
	if c.RoutesFile == "" {
		return proxy.NewTable()
	}
	text, err := os.ReadFile(c.RoutesFile)
	if err != nil {
		return nil, fmt.Errorf("ROUTES_FILE: %w", err)
	}
	table, err := proxy.ParseTable(text)
	if err != nil {
		return nil, fmt.Errorf("ROUTES_FILE %s:\n%w", c.RoutesFile, err)
	}
	return table, nil
}

// PrintRoutes writes the table for an operator to read.
func PrintRoutes(w io.Writer, t *proxy.Table) {
	rows := t.Rows()
	if len(rows) == 0 {
		fmt.Fprintln(w, "# no proxied routes: set ROUTES_FILE")
		return
	}
	fmt.Fprintln(w, "# proxied routes")
	for _, r := range rows {
		var upstreams []string
		for _, u := range r.Upstreams {
			upstreams = append(upstreams, u.String())
		}
		fmt.Fprintf(w, "%s -> %s (strip %q, audience %s, timeout %s)\n", r.Path, strings.Join(upstreams, " "), r.StripPrefix, r.Audience, r.Timeout)
	}
}
