package web

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// requestInfo holds the facts about one request. It is also the request's context,
// so that handlers, the proxy's hooks and package session find it or their part of
// it: one allocation and one copy of the request, where Echo's store and
// context.WithValue make one of each for every fact.
type requestInfo struct {
	context.Context // the connection's

	server *Server
	echo   echo.Context
	client session.Client
	id     [1]string // client.RequestID, as headers hold it

	path     string            // the canonical path, as sent
	decision route.Decision    // by the proxy's table, for a path under /api
	route    string            // pattern for the log, where Echo has none
	userID   string            // of the caller, for the log
	who      session.Principal // as which it is forwarded
	cookies  *session.Cookies  // renewed for a forwarded request; nil: not renewed
	err      error             // that became a problem
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

// infoFromRequest finds the requestInfo that identifyRequest made.
func infoFromRequest(c echo.Context) *requestInfo {
	return c.Request().Context().Value(requestInfoKey{}).(*requestInfo)
}

func requestID(c echo.Context) string { return infoFromRequest(c).client.RequestID }

func sentPath(c echo.Context) string { return infoFromRequest(c).path }
