package app

import (
	"context"
	"fmt"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
)

// reloads reads the routes file again whenever it is asked to, until ctx is
// done or Options.AwaitReload fails.
func (a *App) reloads(ctx context.Context) error {
	for {
		if err := a.awaitReload(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // the server ends, and so does this
			}
			return fmt.Errorf("wait for a reload: %w", err)
		}
		a.reloadRoutes()
	}
}

// reloadRoutes puts the routes file in effect for the requests to come; those
// under way, and open streams, finish as they were let in. A file with a
// mistake changes nothing: half of a table would lock people out, or let them
// in.
func (a *App) reloadRoutes() {
	file := a.config.RoutesFile
	if file == "" {
		a.log.Info("nothing to reload: ROUTES_FILE is not set")
		return
	}
	next, err := readRoutes(file)
	if err != nil {
		a.log.Error("routes not reloaded: the file has mistakes, and the routes stay as they were", "file", file, "mistakes", mistakes(err))
		return
	}
	old := a.table.Load()
	changes := next.Succeed(old)
	a.table.Store(next)
	a.proxy.Retire(old, next)
	a.log.Info("routes reloaded", "file", file, "rows", len(next.Rows()),
		"added", texts(changes.Added), "removed", texts(changes.Removed), "changed", texts(changes.Changed))
	a.warnOfRoutes(next)
}

func (a *App) warnOfRoutes(t *proxy.Table) {
	for _, w := range t.Warnings() {
		a.log.Warn("routes: " + w)
	}
}

// mistakes takes a joined error apart, so that a log has one entry for each.
func mistakes(err error) []string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var all []string
	for _, e := range joined.Unwrap() {
		all = append(all, e.Error())
	}
	return all
}

func texts(changes []proxy.Change) []string {
	all := make([]string, 0, len(changes)) // never nil: JSON would say null
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}
