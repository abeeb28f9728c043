package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/demoapi"
)

// DemoOptions says where the demo API listens and whose tokens it believes.
type DemoOptions struct {
	Listen, JWKSURL, Issuer, Audience string
	Log                               *slog.Logger
	Now                               func() time.Time
}

// demo is the demo API on a listener of its own: an upstream like any other,
// reached through the proxy only.
type demo struct {
	api      *demoapi.API
	server   *http.Server
	listener net.Listener
}

func newDemo(ctx context.Context, o DemoOptions) (*demo, error) {
	api, err := demoapi.New(demoapi.Options{JWKSURL: o.JWKSURL, Issuer: o.Issuer, Audience: o.Audience, Now: o.Now, Logger: o.Log})
	if err != nil {
		return nil, fmt.Errorf("demo API: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("demo API: %w", err)
	}
	return &demo{api: api, server: newHTTPServer(api, o.Log), listener: l}, nil
}

func (d *demo) url() *url.URL { return &url.URL{Scheme: "http", Host: d.listener.Addr().String()} }

func (d *demo) close() error { return ignoreClosed(d.listener.Close)() }

const demoDrain = 5 * time.Second

// RunDemoAPI runs the demo API alone until ctx ends.
func RunDemoAPI(ctx context.Context, o DemoOptions) error {
	d, err := newDemo(ctx, o)
	if err != nil {
		return err
	}
	o.Log.Info("demo API is ready", "listen", d.listener.Addr().String(), "jwks", o.JWKSURL)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoDrain)
		defer cancel()
		stopped <- errors.Join(d.server.Shutdown(ctx), d.server.Close())
	})
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
