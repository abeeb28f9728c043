package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// clock is the machine's, moved ahead when a test says so. It never goes back:
// what was written by the later time would be in the future.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// server is something that the product needs and that can be away for a while.
type server interface {
	Start(ctx context.Context) error
	Stop() error
}

// control is what a test can do to the world around the product, so that it
// never has to wait for it:
//
//	POST /clock?advance=20m
//	POST /redis/stop, /redis/start, /mariadb/stop, /mariadb/start
type control struct {
	clock   *clock
	servers map[string]server

	mu sync.Mutex // servers are not for concurrent use
}

// serve answers on addr until the function it returns is called.
func (c *control) serve(ctx context.Context, addr string) (stop func() error, err error) {
	if host, _, err := net.SplitHostPort(addr); err != nil || !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("whoever reaches %q could stop everything: it has to be a loopback address", addr)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /clock", c.moveClock)
	mux.HandleFunc("POST /{server}/{verb}", c.order)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	return func() error {
		err := s.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

func (c *control) moveClock(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("advance"))
	if err != nil || d < 0 {
		http.Error(w, "advance=20m, and never back", http.StatusBadRequest)
		return
	}
	c.clock.advance(d)
	fmt.Fprintln(w, c.clock.Now().UTC().Format(time.RFC3339Nano))
}

func (c *control) order(w http.ResponseWriter, r *http.Request) {
	s, ok := c.servers[r.PathValue("server")]
	if !ok {
		http.Error(w, "there is no such server in this mode", http.StatusNotFound)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	switch r.PathValue("verb") {
	case "stop":
		err = s.Stop()
	case "start":
		err = s.Start(r.Context())
	default:
		http.Error(w, "stop or start", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
