package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/operator"
)

func TestWhichProxiesWereSeen(t *testing.T) {
	requests := func(n int) string {
		return "# HELP gatehouse_http_requests_total Requests.\n" + `gatehouse_http_requests_total{method="GET",route="/healthz",status="2xx"} 1000` + "\n" +
			fmt.Sprintf(`gatehouse_http_requests_total{method="GET",route="/",status="2xx"} %d`+"\n", n)
	}
	seen := func(network string, seen int) string {
		return fmt.Sprintf("gatehouse_trusted_proxy_seen{network=%q} %d\n", network, seen)
	}
	others := func(n int) string { return fmt.Sprintf("gatehouse_forwarded_by_others_total %d\n", n) }
	for name, c := range map[string]struct {
		scrape string
		want   doctor.State
		text   string
	}{
		"seen":                    {requests(9) + seen("10.0.0.0/8", 1) + others(0), doctor.OK, "all of TRUSTED_PROXIES were seen in 9 requests"},
		"none there":              {requests(9) + others(0), doctor.OK, "none is trusted"},
		"never":                   {requests(9) + seen("10.0.0.0/8", 0) + others(0), doctor.Warning, "none of 9 requests came over 10.0.0.0/8"},
		"never, and another one":  {requests(9) + seen("10.0.0.0/8", 0) + others(8), doctor.Problem, "8 had X-Forwarded-For from elsewhere"},
		"one of two never":        {requests(9) + seen("10.0.0.0/8", 1) + seen("fd00::/8", 0) + others(0), doctor.Warning, "over fd00::/8"},
		"one that is not trusted": {requests(9) + others(1), doctor.Warning, "1 of 9 requests had X-Forwarded-For"},
		"another one besides":     {requests(9) + seen("10.0.0.0/8", 1) + others(3), doctor.Warning, "3 of 9 requests"},
		"large numbers":           {requests(0) + `gatehouse_http_requests_total{method="GET",route="/a",status="2xx"} 1.234e+06` + "\n" + others(0), doctor.OK, "1234000 requests"},
	} {
		p, err := readProxies(c.scrape)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.judge()
		if err != nil || r.State != c.want || !strings.Contains(r.Found, c.text) || (r.Fix == "") != (c.want == doctor.OK) {
			t.Errorf("%s: %+v, %v; want %s, %q", name, r, err, c.want, c.text)
		}
	}
	if p, err := readProxies(requests(0) + seen("10.0.0.0/8", 0) + others(0)); err != nil {
		t.Fatal(err)
	} else if r, err := p.judge(); err == nil || r.Fix == "" {
		t.Errorf("an instance without requests: %+v", r)
	}
	if _, err := readProxies("prometheus_build_info 1\n"); err == nil {
		t.Error("the metrics of another program were read")
	}
}

func TestLocalAddressOfAListener(t *testing.T) {
	for listen, want := range map[string]string{
		":9090": "127.0.0.1:9090", "0.0.0.0:9090": "127.0.0.1:9090", "[::]:9090": "127.0.0.1:9090", "10.0.0.1:9090": "10.0.0.1:9090", "ops.internal:9090": "ops.internal:9090",
	} {
		if got := local(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}

func TestSpaceOnTheDisk(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		free, database, sessions int64
		want                     doctor.State
	}{
		{5000 * mib, 10 * mib, mib, doctor.OK},
		{1023 * mib, 10 * mib, mib, doctor.Warning},
		{5000 * mib, 3000 * mib, mib, doctor.Warning},
		{99 * mib, 10 * mib, mib, doctor.Problem},
		{500 * mib, 10 * mib, 600 * mib, doctor.Problem},
	} {
		if r := judgeSizes(c.free, c.database, c.sessions); r.State != c.want || (r.Fix == "") != (c.want == doctor.OK) {
			t.Errorf("%+v: %+v", c, r)
		}
	}
	dir := t.TempDir()
	for name, size := range map[string]int{databaseFile: 100, databaseFile + "-wal": 20, filepath.Join(sessionsFolder, "journal"): 3} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if database, sessions, err := fileSizes(dir); err != nil || database != 120 || sessions != 3 {
		t.Errorf("database %d, sessions %d, %v", database, sessions, err)
	}
	if free, err := freeSpace(dir); err != nil || free <= 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

func TestWhetherAServerRunsOnAFolder(t *testing.T) {
	dir := t.TempDir()
	says := func(want string) {
		t.Helper()
		r, err := judgeServer(t.Context(), dir)
		if err != nil || r.State != doctor.OK || !strings.HasSuffix(r.Found, want) {
			t.Errorf("%+v, %v; want %q", r, err, want)
		}
	}
	says("no server runs on it")
	s, err := operator.Listen(t.Context(), dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r, err := judgeServer(late, dir); err != nil || r.State != doctor.Problem || !strings.Contains(r.Found, "does not answer") {
		t.Errorf("it does not answer: %+v, %v", r, err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	says("a server runs on it, and holds the sessions")
	if err := errors.Join(s.Shutdown(), <-served); err != nil {
		t.Error(err)
	}
	says("no server runs on it")
	l, err := net.Listen("unix", filepath.Join(dir, operator.SocketFolder, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	says("was killed")
}
