package web

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// requestInfo is what this package knows of one request. It is the request's context at
// the same time, so that handlers, the proxy's hooks and package auth find it
// or their part of it: one allocation and one copy of the request, where
// Echo's store and context.WithValue make one of each for every fact.
type requestInfo struct {
	context.Context // the connection's

	server *Server
	echo   echo.Context
	client session.Client
	id     [1]string // client.RequestID, as headers hold it

	path     string            // the canonical path, as sent
	decision route.Decision    // what the proxy's table says about it, for a path under /api
	route    string            // pattern for the log, where Echo's own is no help
	userID   string            // who it is from, for the log
	who      session.Principal // whom it is forwarded as
	cookies  *session.Cookies  // renewed for a forwarded request; nil: not renewed
	err      error             // what became a problem
}

type requestInfoKey struct{}

// Value makes requestInfo a context.
func (info *requestInfo) Value(key any) any {
	switch key.(type) {
	case requestInfoKey:
		return info
	case session.ClientKey:
		return info.client
	}
	return info.Context.Value(key)
}

// infoFromRequest finds what identifyRequest began.
func infoFromRequest(c echo.Context) *requestInfo {
	return c.Request().Context().Value(requestInfoKey{}).(*requestInfo)
}

func requestID(c echo.Context) string { return infoFromRequest(c).client.RequestID }

func sentPath(c echo.Context) string { return infoFromRequest(c).path }
