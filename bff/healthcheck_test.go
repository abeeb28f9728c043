package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	status := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/healthz" {
			t.Errorf("asked for %s %s", r.Method, r.URL.Path)
		}
		w.WriteHeader(<-status)
	}))
	t.Cleanup(server.Close)
	addr := server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{addr, ":" + port, "0.0.0.0:" + port, "[::]:" + port, "localhost:" + port} {
		status <- http.StatusOK
		gatehouse(t, map[string]string{"LISTEN_ADDR": listen}, "healthcheck").want(t, listen, 0, "", "")
	}
	for _, code := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusNotFound, http.StatusNoContent} {
		status <- code
		gatehouse(t, map[string]string{"LISTEN_ADDR": addr}, "healthcheck").want(t, http.StatusText(code), 1, "", http.StatusText(code))
	}
	server.Close()
	gatehouse(t, map[string]string{"LISTEN_ADDR": addr}, "healthcheck").want(t, "nobody there", 1, "", "gatehouse healthcheck: ")
	gatehouse(t, map[string]string{"LISTEN_ADDR": "8080"}, "healthcheck").want(t, "no address", 1, "", "LISTEN_ADDR")
}

func TestHealthcheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := run(ctx, process{
		args: []string{"healthcheck"}, getenv: func(string) string { return server.Listener.Addr().String() }, now: time.Now,
		stdout: new(bytes.Buffer), stderr: new(bytes.Buffer),
	})
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
