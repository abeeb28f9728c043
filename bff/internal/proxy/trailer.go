package proxy

import (
	"io"
	"net/http"
)

// trailedBody filters the trailers of an answer when they are there: after the
// body, where no hook of ReverseProxy looks.
type trailedBody struct {
	io.ReadCloser
	ex  *exchange
	res *http.Response
}

// Close is what ReverseProxy calls between the end of the body and its look at
// the trailers.
func (b *trailedBody) Close() error {
	err := b.ReadCloser.Close()
	b.ex.filterTrailer(b.res.Trailer)
	return err
}
