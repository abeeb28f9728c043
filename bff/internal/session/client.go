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

// maxUserAgent bounds the User-Agent, which the client chooses, in every record.
const maxUserAgent = 256

// ClientKey is the context key of a request's Client, for audit events and
// session records.
type ClientKey struct{}

// ClientFrom returns the Client of a request's context, with the User-Agent cut
// to fit into a record.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(ClientKey{}).(Client)
	if len(c.UserAgent) > maxUserAgent {
		c.UserAgent = c.UserAgent[:maxUserAgent]
	}
	c.UserAgent = strings.ToValidUTF8(c.UserAgent, "")
	return c
}
