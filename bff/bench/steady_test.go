package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSteadyProxied is a member's GET through the whole product, with
// its log line and metrics, and a 1 KiB answer behind it; client and upstream
// are in the figures. What traces cost is the difference of the two.
func BenchmarkSteadyProxied(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 1024)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(payload)
	}))
	defer upstream.Close()
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	routes := filepath.Join(b.TempDir(), "routes.yaml")
	if err := os.WriteFile(routes, []byte("routes:\n  - {path: /api/orders, upstreams: ["+upstream.URL+"]}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ name, endpoint string }{{"traces=off", ""}, {"traces=on", collector.URL}} {
		b.Run(c.name, func(b *testing.B) {
			base := product(b, "ROUTES_FILE", routes, "OTEL_EXPORTER_OTLP_ENDPOINT", c.endpoint)
			browser := signedUp(b, base)
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuUsed(b)
			for range b.N {
				resp, err := browser.Get(base + "/api/orders/1")
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(resp, err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			b.ReportMetric(float64((cpuUsed(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
