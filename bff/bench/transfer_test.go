package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	transfer = 100 << 20
	// mostGrowth is what the peak of the process's memory may grow by in
	// transfers of many times that.
	mostGrowth = 10 << 20
)

// BenchmarkTransfer sends 100 MiB through the real binary, down and up, and
// fails when its memory does not stay flat: the peak of the whole process, as
// the kernel keeps it, against that of a first small request.
func BenchmarkTransfer(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("the peak is read from /proc")
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return // the sum will tell
		}
		w.Header().Set("X-Received", strconv.FormatInt(n, 10))
		size, _ := strconv.ParseInt(r.URL.Query().Get("size"), 10, 64)
		_, _ = io.CopyN(w, zeros{}, size)
	}))
	defer upstream.Close()
	base, pid := binary(b, upstream.URL)
	exchange := func(down, up int64) {
		b.Helper()
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, fmt.Sprintf("%s/api/files/x?size=%d", base, down), io.LimitReader(zeros{}, up))
		if err != nil {
			b.Fatal(err)
		}
		req.ContentLength = up
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.Copy(io.Discard, resp.Body)
		if err != nil || got != down || resp.Header.Get("X-Received") != strconv.FormatInt(up, 10) {
			b.Fatalf("%s: %d bytes down, %s up, %v", resp.Status, got, resp.Header.Get("X-Received"), err)
		}
	}
	for _, way := range []struct {
		name     string
		down, up int64
	}{{"down", transfer, 1}, {"up", 1, transfer}, {"both", transfer, transfer}} {
		b.Run(way.name, func(b *testing.B) {
			exchange(1, 1)
			before := peak(b, pid)
			b.SetBytes(way.down + way.up)
			for b.Loop() {
				exchange(way.down, way.up)
			}
			growth := peak(b, pid) - before
			b.ReportMetric(float64(growth)/(1<<20), "MiB-growth")
			if growth > mostGrowth {
				b.Errorf("the process's peak has grown by %d MiB", growth>>20)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// binary builds the product and runs it with one open row to upstream.
func binary(b *testing.B, upstream string) (base string, pid int) {
	b.Helper()
	dir := b.TempDir()
	program := filepath.Join(dir, "gatehouse")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	routes := filepath.Join(dir, "routes.yaml")
	text := "routes:\n  - path: /api/files\n    upstreams: [" + upstream + "]\n    access: public\n    max_body: none\n"
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<!doctype html>"), 0o600); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "serve")
	cmd.Env = []string{"LISTEN_ADDR=" + addr, "OPS_ADDR=off", "DATA_DIR=" + filepath.Join(dir, "data"), "ROUTES_FILE=" + routes, "SPA_DIR=" + dir}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.Errorf("%v\n%s", err, said.String())
		}
	})
	base = "http://" + addr
	for deadline := time.Now().Add(20 * time.Second); ; {
		resp, err := http.Get(base + "/healthz")
		if err == nil {
			resp.Body.Close()
			return base, cmd.Process.Pid
		}
		if time.Now().After(deadline) {
			b.Fatalf("the product does not answer: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// peak is the most memory that the process has had in use so far, in bytes.
func peak(b *testing.B, pid int) int64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb << 10
		}
	}
	b.Fatal("the kernel tells no peak")
	return 0
}
