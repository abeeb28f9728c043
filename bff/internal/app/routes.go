package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/textfile"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web"
)

// demoPath is the path of the demo API in embedded mode.
const demoPath = "/api/demo"

// Routes reads the route table of a configuration.
func Routes(c *config.Config) (*route.Table, error) {
	// The demo API's port is only known once it listens.
	return routes(c, &url.URL{Scheme: "http", Host: "127.0.0.1"})
}

func hasDemo(c *config.Config) bool { return c.Embedded && c.RoutesFile == "" }

func routes(c *config.Config, demo *url.URL) (*route.Table, error) {
	if hasDemo(c) {
		return route.NewTable(route.Config{Path: demoPath, Upstreams: []*url.URL{demo}, StripPrefix: demoPath})
	}
	if c.RoutesFile == "" {
		return route.NewTable()
	}
	table, err := readRoutes(c.RoutesFile)
	if _, unread := errors.AsType[*fs.PathError](err); unread {
		return nil, fmt.Errorf("ROUTES_FILE: %w", err) // which names the file
	}
	if err != nil {
		return nil, fmt.Errorf("ROUTES_FILE %s:\n%w", c.RoutesFile, err)
	}
	return table, nil
}

// readRoutes reads a routes file. The error joins every mistake in it.
func readRoutes(file string) (*route.Table, error) {
	text, err := textfile.Read(file)
	if err != nil {
		return nil, err
	}
	return route.ParseTable(text)
}

// PrintRoutes writes the table of c as a routes file.
func PrintRoutes(w io.Writer, c *config.Config, t *route.Table) error {
	switch {
	case hasDemo(c):
		fmt.Fprintln(w, "# proxied routes: the demo API, on a port that it chooses when it starts")
	case c.RoutesFile == "":
		fmt.Fprintln(w, "# no proxied routes: set ROUTES_FILE")
		return nil
	default:
		fmt.Fprintf(w, "# proxied routes: %s with every default written out; no `roles` means every role\n", c.RoutesFile)
	}
	return t.Print(w)
}

// PrintRoutesSchema writes the JSON Schema of a routes file.
func PrintRoutesSchema(w io.Writer) error { return route.WriteSchema(w) }

// Endpoints lists the product's own endpoints.
func Endpoints() []web.Endpoint { return web.Endpoints() }
