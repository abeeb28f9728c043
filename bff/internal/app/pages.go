package app

import (
	"log/slog"
	"os"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web"
	"github.com/gatehouse-bff/gatehouse/bff/internal/web/pages"
	"github.com/gatehouse-bff/gatehouse/spa"
)

// newPages chooses where the single-page app comes from.
func newPages(c *config.Config, log *slog.Logger) (web.Pages, error) {
	switch {
	case c.SPADevURL != nil:
		log.Warn("pages come from a development server; the Content-Security-Policy is relaxed for it",
			"url", c.SPADevURL.String(), "relaxed", web.DevRelaxes)
		return pages.NewDevServer(proxy.NewDevServer(c.SPADevURL)), nil
	case c.SPADir != "":
		return pages.NewFiles(os.DirFS(c.SPADir), web.CheckPagePath)
	}
	dist, built := spa.Dist()
	if !built {
		log.Warn("this binary was compiled before the single-page app; `make run` builds both")
	}
	return pages.NewEmbeddedFiles(dist, web.CheckPagePath)
}
