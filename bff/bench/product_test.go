package main

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
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

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
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, goodPassword)
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
