package deploy

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

func TestCaddyfileIsWhatCaddyAccepts(t *testing.T) {
	program := servertest.FindCaddy(t)
	file := must(filepath.Abs("../../../Caddyfile"))(t)
	for _, args := range [][]string{
		{"validate", "--config", file, "--adapter", "caddyfile"},
		{"fmt", "--diff", file}, // fails when something is to be changed
	} {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = []string{"HOME=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("caddy %s: %v\n%s", strings.Join(args, " "), err, out)
		} else if strings.Contains(string(out), `"level":"warn"`) {
			t.Errorf("caddy %s warns:\n%s", args[0], out)
		}
	}
}

// The one that sends requests has to let connections go first. Both had two
// minutes, and now and then a POST met a connection that was being closed.
func TestCaddyLetsIdleConnectionsGoBeforeGatehouse(t *testing.T) {
	program := servertest.FindCaddy(t)
	cmd := exec.CommandContext(t.Context(), program, "adapt", "--config", must(filepath.Abs("../../../Caddyfile"))(t), "--adapter", "caddyfile")
	cmd.Env = []string{"HOME=" + t.TempDir()}
	adapted := must(cmd.Output())(t)
	found := regexp.MustCompile(`"keep_alive":\{"idle_timeout":(\d+)\}`).FindSubmatch(adapted)
	if found == nil {
		t.Fatalf("the Caddyfile says nothing of keepalive: %s", adapted)
	}
	i := slices.IndexFunc(config.Variables(), func(v config.Variable) bool { return v.Name == "IDLE_TIMEOUT" })
	ours := must(time.ParseDuration(config.Variables()[i].Default))(t)
	if theirs := time.Duration(must(strconv.ParseInt(string(found[1]), 10, 64))(t)); theirs <= 0 || theirs > ours/2 {
		t.Errorf("Caddy keeps its connections for %v, Gatehouse for %v", theirs, ours)
	}
}

// Caddy is in TRUSTED_PROXIES: what it passed on of a browser's trace decided
// what is recorded, and went into the traces of others.
func TestCaddyDoesNotVouchForTheTraceOfABrowser(t *testing.T) {
	got := make(chan http.Header, 1)
	gatehouse := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/traced" {
			got <- r.Header
		}
	}))
	t.Cleanup(gatehouse.Close)
	caddy := servertest.Caddy(t, "../../../Caddyfile", gatehouse.Listener.Addr().String())
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, caddy.URL+"/traced", nil))(t)
	req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	req.Header.Set("Tracestate", "evil=1")
	req.Header.Set("X-Other", "stays")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: caddy.Roots}}
	t.Cleanup(transport.CloseIdleConnections)
	must(transport.RoundTrip(req))(t).Body.Close()
	h := <-got
	if h.Get("Traceparent") != "" || h.Get("Tracestate") != "" || h.Get("X-Other") != "stays" {
		t.Errorf("Caddy sends %v", h)
	}
}
