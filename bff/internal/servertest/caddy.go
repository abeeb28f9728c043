package servertest

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// caddyModule is the version that docker-compose.yml has; Debian's is too old.
const caddyModule = "github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9"

// CaddyHandle is a Caddy with a given Caddyfile, in the hands of a test.
type CaddyHandle struct {
	Handle
	// URL is https://localhost:port, with a certificate of Caddy's own authority.
	URL string
	// PlainAddr is where plain HTTP is answered.
	PlainAddr string
	// Roots holds that authority.
	Roots *x509.CertPool
}

// FindCaddy returns the path of the program: $CADDY, or what PATH has.
func FindCaddy(tb testing.TB) string {
	tb.Helper()
	program, err := exec.LookPath(cmp.Or(os.Getenv("CADDY"), "caddy"))
	if err != nil {
		unavailable(tb, &MissingError{Program: "caddy", Install: "CADDY names the program; go install " + caddyModule})
	}
	return program
}

// Caddy starts Caddy for this test alone. The Caddyfile reads where to listen
// from HTTP_PORT, HTTPS_PORT and HEALTH_PORT, its own name from SITE_ADDRESS and
// the upstreams from GATEHOUSE. It waits until Caddy answers TLS, not until the
// upstreams do.
func Caddy(tb testing.TB, caddyfile string, upstreams ...string) *CaddyHandle {
	tb.Helper()
	program, dir := FindCaddy(tb), tempDir(tb)
	caddyfile, err := filepath.Abs(caddyfile)
	if err != nil {
		tb.Fatal(err)
	}
	h := &CaddyHandle{}
	p := &process{name: "caddy", dir: dir}
	p.command = func(port int) *exec.Cmd {
		cmd := exec.Command(program, "run", "--config", caddyfile, "--adapter", "caddyfile")
		cmd.Dir, cmd.SysProcAttr = dir, childAttributes()
		cmd.Env = []string{
			"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir,
			"SITE_ADDRESS=localhost", "HTTPS_PORT=" + strconv.Itoa(port), "HTTP_PORT=" + strconv.Itoa(port+1), "HEALTH_PORT=" + strconv.Itoa(port+2),
			"GATEHOUSE=" + strings.Join(upstreams, " "),
		}
		return cmd
	}
	// Another Caddy on the port would have another authority.
	p.ready = func(ctx context.Context) error {
		root, err := os.ReadFile(filepath.Join(dir, "caddy/pki/authorities/local/root.crt"))
		if err != nil {
			return err
		}
		h.Roots = x509.NewCertPool()
		h.Roots.AppendCertsFromPEM(root)
		d := tls.Dialer{Config: &tls.Config{RootCAs: h.Roots, ServerName: "localhost"}}
		conn, err := d.DialContext(ctx, "tcp", p.Addr())
		if err != nil {
			return err
		}
		return conn.Close()
	}
	if err := p.startSomewhere(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	h.Handle = Handle{tb, p}
	h.URL, h.PlainAddr = fmt.Sprintf("https://localhost:%d", p.port), fmt.Sprintf("127.0.0.1:%d", p.port+1)
	tb.Cleanup(h.Stop)
	return h
}
