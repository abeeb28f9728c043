package session

import (
	"context"
	"strings"
)

// Client describes the browser behind a request, for audit and device lists.
type Client struct {
	IP        string
	UserAgent string
	RequestID string
}

// maxUserAgent bounds what a browser's own words take up in every record.
const maxUserAgent = 256

// ClientKey is what a request's context has its Client under, for audit events
// and session records.
type ClientKey struct{}

// ClientFrom gives the Client of a request's context, with a User-Agent that fits
// into a record.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(ClientKey{}).(Client)
	if len(c.UserAgent) > maxUserAgent {
		c.UserAgent = c.UserAgent[:maxUserAgent]
	}
	c.UserAgent = strings.ToValidUTF8(c.UserAgent, "")
	return c
}
