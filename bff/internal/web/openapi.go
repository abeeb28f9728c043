package web

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

// openAPIDocument is the contract with clients of these endpoints. The end-to-end
// tests hold every answer against it; the app's types are generated from it.
//
//go:embed openapi.yaml
var openAPIDocument []byte

func (s *Server) openAPI(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", publicMaxAge)
	return c.Blob(http.StatusOK, "application/yaml", openAPIDocument) // RFC 9512
}
