package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

const (
	attackers = 32
	// pace is 500 proxied requests a second: a machine that is busy, and not
	// with itself alone.
	pace = 2 * time.Millisecond
)

// BenchmarkLoginFlood is what people at work notice of 32 clients that hammer
// sign-in: the latency of proxied requests, half of the time in quiet and half
// in the flood, round by round. Passwords are hashed at cost 12, as in
// production.
func BenchmarkLoginFlood(b *testing.B) {
	base := product(b)
	member := signedUp(b, base)
	var quiet, flood []time.Duration
	var refused []time.Duration
	var judged int
	for b.Loop() {
		quiet = append(quiet, proxied(b, member, base, 4*time.Second)...)
		stop := hammer(base)
		flood = append(flood, proxied(b, member, base, 4*time.Second)...)
		r, j := stop()
		refused, judged = append(refused, r...), judged+j
	}
	p99 := func(all []time.Duration) time.Duration { slices.Sort(all); return all[len(all)*99/100] }
	b.ReportMetric(float64(p99(quiet).Microseconds()), "quiet-p99-µs")
	b.ReportMetric(float64(p99(flood).Microseconds()), "flood-p99-µs")
	b.ReportMetric(float64(p99(flood))/float64(p99(quiet)), "flood/quiet")
	b.ReportMetric(float64(judged)/float64(b.N), "judged/op")
	b.ReportMetric(float64(len(refused))/float64(b.N), "busy/op")
	if len(refused) > 0 {
		b.ReportMetric(float64(p99(refused).Microseconds()), "busy-p99-µs")
	}
}

// product is the whole of it, in embedded mode, the demo API behind it; further
// environment comes as NAME, value pairs.
func product(b *testing.B, extra ...string) (base string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<!doctype html>"), 0o600); err != nil {
		b.Fatal(err)
	}
	env := map[string]string{"LISTEN_ADDR": addr, "OPS_ADDR": "off", "DATA_DIR": filepath.Join(dir, "data"), "SPA_DIR": dir}
	for i := 0; i < len(extra); i += 2 {
		env[extra[i]] = extra[i+1]
	}
	c, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.New(b.Context(), app.Options{Config: c, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Now: time.Now, Crowd: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return "http://" + addr
}

func post(c *http.Client, url, body string) (int, error) {
	resp, err := c.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func signedUp(b *testing.B, base string) *http.Client {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	b.Cleanup(c.CloseIdleConnections)
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, goodWord)
	for _, step := range []struct {
		path string
		want int
	}{{"/api/auth/register", 201}, {"/api/auth/login", 200}} {
		if got, err := post(c, base+step.path, body); err != nil || got != step.want {
			b.Fatalf("%s: %d, %v", step.path, got, err)
		}
	}
	return c
}

// proxied asks the demo API at a steady pace, whatever the answers take, and
// gives how long each took.
func proxied(b *testing.B, c *http.Client, base string, during time.Duration) (took []time.Duration) {
	b.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for range int(during / pace) {
		<-tick.C
		all.Go(func() {
			began := time.Now()
			resp, err := c.Get(base + "/api/demo/me")
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Errorf("%v, %v", resp, err)
			}
			took = append(took, time.Since(began))
		})
	}
	all.Wait()
	return took
}

// hammer signs in with wrong passwords, each client as fast as it is answered,
// until stop is called: how long each refusal as busy took, and how many were
// judged.
func hammer(base string) (stop func() (refused []time.Duration, judged int)) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var all sync.WaitGroup
	var refused []time.Duration
	var judged int
	for i := range attackers {
		all.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				// Each another account: the delays of one would end the flood.
				got, err := post(c, base+"/api/auth/login", fmt.Sprintf(`{"email":"u%d-%d@example.com","password":"not the one"}`, i, n))
				mu.Lock()
				switch {
				case err != nil:
				case got == http.StatusServiceUnavailable:
					refused = append(refused, time.Since(began))
				default:
					judged++
				}
				mu.Unlock()
				if got == http.StatusServiceUnavailable {
					select { // a client that ignores Retry-After
					case <-ctx.Done():
					case <-time.After(100 * time.Millisecond):
					}
				}
			}
		})
	}
	return func() ([]time.Duration, int) {
		cancel()
		all.Wait()
		return refused, judged
	}
}
