package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Balancer is what stands in front of several instances: it asks each whether
// it is ready, and keeps connections. It retries nothing.
type Balancer struct {
	URL       string
	Instances []*Instance
	next      atomic.Uint32
	failed    atomic.Int64
	fault     atomic.Pointer[string] // the last
}

type Instance struct {
	Addr, OpsAddr string // addresses
	ready         atomic.Bool
	Served        atomic.Int64
}

const probeEvery = 50 * time.Millisecond

func NewBalancer(t *testing.T, count int) *Balancer {
	t.Helper()
	b := &Balancer{}
	for range count {
		b.Instances = append(b.Instances, &Instance{Addr: FreeAddr(t), OpsAddr: FreeAddr(t)})
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			i := b.pick()
			i.Served.Add(1)
			r.SetURL(&url.URL{Scheme: "http", Host: i.Addr})
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // see ForwardedFor
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				b.failed.Add(1)
				text := fmt.Sprintf("%s %s at %s: %v", r.Method, r.URL.Path, r.URL.Host, err)
				b.fault.Store(&text)
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	server := httptest.NewServer(proxy)
	b.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	ctx, stop := context.WithCancel(context.Background())
	probing := make(chan struct{})
	go func() { defer close(probing); b.probe(ctx) }()
	t.Cleanup(func() {
		stop()
		<-probing
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	return b
}

// probe checks each instance on its own goroutine: a slow instance must not hide
// that another one stops. A timeout does not take an instance out, because this
// machine may be busy; a refused connection does.
func (b *Balancer) probe(ctx context.Context) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var all sync.WaitGroup
	for _, i := range b.Instances {
		all.Go(func() {
			for ctx.Err() == nil {
				resp, err := client.Get("http://" + i.OpsAddr + "/readyz")
				switch {
				case err == nil:
					resp.Body.Close()
					i.ready.Store(resp.StatusCode == http.StatusOK)
				case errors.Is(err, syscall.ECONNREFUSED):
					i.ready.Store(false)
				}
				select {
				case <-ctx.Done():
				case <-time.After(probeEvery):
				}
			}
		})
	}
	all.Wait()
}

// pick takes turns. Each caller counts on from its own turn: with one count for
// all of them, two at once both met the instance that was not ready, twice.
func (b *Balancer) pick() *Instance {
	turn := b.next.Add(1)
	for n := range b.Instances {
		if i := b.Instances[(int(turn)+n)%len(b.Instances)]; i.ready.Load() {
			return i
		}
	}
	return b.Instances[0]
}

// Env is the environment of the n-th instance, on MariaDB and Redis.
func (b *Balancer) Env(t *testing.T, s *Harness, n int) []string {
	t.Helper()
	env := []string{
		"LISTEN_ADDR", b.Instances[n].Addr, "OPS_ADDR", b.Instances[n].OpsAddr, "PUBLIC_URL", b.URL,
		"TRUSTED_PROXIES", "127.0.0.0/8", "SHUTDOWN_TIMEOUT", "4s",
	}
	for name, value := range s.Env {
		env = append(env, name, value)
	}
	return env
}

// ServicesFor is what instances have in common: stores, secrets, and one API
// behind them.
func ServicesFor(t *testing.T, api http.Handler, rows ...string) *Harness {
	t.Helper()
	s := OnServices(t)
	s.Redis = nil // the API is ours
	up := httptest.NewServer(api)
	t.Cleanup(up.Close)
	s.Env["ROUTES_FILE"] = NewRoutesFile(t, append(rows, "path: /api/up\nupstreams: ["+up.URL+"]\nstrip_prefix: /api/up")...).Name
	return s
}

func (i *Instance) AwaitTraffic(s *Harness) {
	s.T.Helper()
	s.Eventually("the balancer to see the instance", i.ready.Load)
}
