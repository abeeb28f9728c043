// Package listener holds what the public listener does to connections before
// net/http reads them: strict HTTP/1 framing, deadlines for idle connections
// and request heads, and the stall timeout of responses.
//
// It imports no other package of Gatehouse; app puts it in front of web.
package listener
