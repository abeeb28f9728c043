package proxy

import "fmt"

// Kind says why a request could not be forwarded. None of them is about the
// session: that is decided before.
type Kind uint8

const (
	Unreachable  Kind = iota // 502: no connection, bad TLS, or an answer that is no HTTP
	Timeout                  // 504: no response header within the row's timeout
	BodyTooLarge             // 413: more than the row's max_body
	BadBody                  // 400: the client's body is malformed or broke off
	BodyStalled              // 408: nothing of the client's body for StallTimeout
	BadUpgrade               // 400: an upgrade that is not a WebSocket's
	MintFailed               // 500: no identity token to forward with
	SessionEnded             // 401: the session ended between authentication and the stream's first byte
	TooManyLive              // 429: the session, or the network, has MaxLive live connections
	ClientGone               // nobody is left to be answered
)

var kindTexts = [...]string{
	Unreachable:  "the service behind it cannot be reached",
	Timeout:      "the service behind it did not answer in time",
	BodyTooLarge: "the request body is larger than the route allows",
	BadBody:      "the request body could not be read",
	BodyStalled:  "the rest of the request body did not come",
	BadUpgrade:   "only upgrades to websocket (GET, HTTP/1.1, no body) are forwarded",
	MintFailed:   "no identity could be made for the service behind it",
	SessionEnded: "the session has ended",
	TooManyLive:  "too many WebSockets and event streams are open; close some",
	ClientGone:   "the client went away",
}

// Error is passed to [Caller.OnError]. Its text names the route and is
// safe to show; the cause names addresses and is for the log.
type Error struct {
	Kind  Kind
	Route string // Config.Path
	Limit int64  // bytes, for BodyTooLarge
	Cause error  // may be nil
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Route, kindTexts[e.Kind]) }

func (e *Error) Unwrap() error { return e.Cause }
