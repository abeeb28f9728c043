package instances

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
	"github.com/gatehouse-bff/gatehouse/bff/internal/app"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// topology is what docker-compose.yml describes, as plain processes: Caddy
// with TLS and the repository's Caddyfile, two instances of the real binary on
// MariaDB and Redis, and the demo API. Its clock is the machine's.
type topology struct {
	*site.Harness // as browsers see it, through Caddy
	caddy         *servertest.CaddyHandle
	instances     []*site.Binary
}

// brotli is as good as the real thing to whoever passes it on.
const brotli = "compressed when it was built"

func startTopology(t *testing.T) *topology {
	t.Helper()
	servertest.FindCaddy(t)
	file, dir := site.BuildBinary(t), t.TempDir()
	addrs, demo := []string{site.FreeAddr(t), site.FreeAddr(t)}, site.FreeAddr(t)
	caddy := servertest.Caddy(t, site.RepoFile("Caddyfile"), addrs...)

	routes := filepath.Join(dir, "routes.yaml")
	echo := httptest.NewServer(http.HandlerFunc(site.EchoAPI))
	t.Cleanup(echo.Close)
	text := "routes:\n  - path: /api/demo\n    upstreams: [http://" + demo + "]\n    strip_prefix: /api/demo\n" +
		"  - path: /api/up\n    upstreams: [" + echo.URL + "]\n"
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pages := site.TinyApp(t)
	for name, text := range map[string]string{"big-1a2b.js": strings.Repeat("// padding\n", 200), "big-1a2b.js.br": brotli} {
		if err := os.WriteFile(filepath.Join(pages, "assets", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secrets, err := app.NewSecrets()
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.WriteFiles(dir, io.Discard); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"PUBLIC_URL", caddy.URL, "MYSQL_DSN", servertest.MariaDB(t), "REDIS_URL", servertest.Redis(t).URL, "ROUTES_FILE", routes,
		"TRUSTED_PROXIES", "127.0.0.0/8", "SPA_DIR", pages, "SHUTDOWN_TIMEOUT", "10s",
		"JWT_ACCESS_SECRET_FILE", dir + "/JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET_FILE", dir + "/JWT_REFRESH_SECRET", "IDENTITY_KEY_FILE", dir + "/IDENTITY_KEY",
	}
	top := &topology{caddy: caddy, Harness: &site.Harness{T: t, Base: caddy.URL, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: caddy.Roots}, ForceAttemptHTTP2: true,
	}}}
	t.Cleanup(top.Transport.CloseIdleConnections)
	for _, addr := range addrs {
		b := site.NewBinary(t, file, append([]string{"LISTEN_ADDR", addr, "OPS_ADDR", site.FreeAddr(t)}, env...)...)
		b.Base = "http://" + addr
		top.instances = append(top.instances, b)
	}
	// At once: both find an empty database.
	for _, b := range top.instances {
		b.Launch()
	}
	for _, b := range top.instances {
		b.AwaitReady()
	}
	top.process(file, "demo-api", "--listen", demo, "--issuer", caddy.URL, "--audience", "demo",
		"--jwks", top.instances[0].Base+"/.well-known/jwks.json")
	top.Eventually("the demo API to answer", func() bool { return top.answers("http://"+demo+"/healthz") == http.StatusOK })
	top.Eventually("Caddy to find an instance", func() bool { return top.answers(top.Base+"/healthz") == http.StatusOK })
	return top
}

// process runs another verb of the binary for as long as the test.
func (top *topology) process(file string, args ...string) {
	top.T.Helper()
	cmd := exec.Command(file, args...)
	if err := cmd.Start(); err != nil {
		top.T.Fatal(err)
	}
	top.T.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// answers is the status of an address, 0 for none.
func (top *topology) answers(url string) int {
	resp, err := (&http.Client{Transport: top.Transport, Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestProductionTopology(t *testing.T) {
	top := startTopology(t)
	ada := top.Browser()
	const forged = "203.0.113.9"

	t.Run("a session over TLS", func(t *testing.T) {
		ada.Do("POST", "/api/auth/register", site.Credentials("ada@example.com")).Want(t, 201)
		in := ada.Do("POST", "/api/auth/login", site.Credentials("ada@example.com"), "X-Forwarded-For", forged).Want(t, 200)
		if in.ProtoMajor != 2 {
			t.Errorf("over %s", in.Proto)
		}
		if in.Header.Get("Strict-Transport-Security") == "" || !strings.Contains(in.Header.Get("Alt-Svc"), "h3=") {
			t.Errorf("HSTS %q, Alt-Svc %q", in.Header.Get("Strict-Transport-Security"), in.Header.Get("Alt-Svc"))
		}
		for _, c := range in.Cookies() {
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %s", c.Raw)
			}
		}
		if len(in.Cookies()) != 3 {
			t.Errorf("%d cookies", len(in.Cookies()))
		}
	})

	t.Run("the address is the one Caddy saw", func(t *testing.T) {
		list := ada.Do("GET", "/api/auth/sessions", nil, "X-Forwarded-For", forged, "X-Real-Ip", forged, "Forwarded", "for="+forged).Want(t, 200)
		if strings.Contains(list.Text, forged) || !strings.Contains(list.Text, `"ip":"127.0.0.1"`) && !strings.Contains(list.Text, `"ip":"::1"`) {
			t.Error(list.Text)
		}
	})

	t.Run("both instances serve the session, and the API believes both", func(t *testing.T) {
		for _, b := range top.instances {
			r, err := http.NewRequest("GET", b.Base+"/api/demo/me", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"__Host-access_token", "__Host-refresh_token"} {
				r.AddCookie(&http.Cookie{Name: name, Value: ada.Cookie(name)})
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 || !strings.Contains(string(text), "ada@example.com") {
				t.Errorf("%s: %d %s", b.Base, resp.StatusCode, text)
			}
		}
	})

	t.Run("what is compressed stays as it is", func(t *testing.T) {
		got := ada.Do("GET", "/assets/big-1a2b.js", nil, "Accept-Encoding", "gzip, br")
		if got.Header.Get("Content-Encoding") != "br" || got.Text != brotli || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%v %q", got.Header, got.Text)
		}
		ada.Do("GET", "/assets/big-1a2b.js", nil, "Accept-Encoding", "br", "If-None-Match", got.Header.Get("ETag")).Want(t, 304)
		if got := ada.Do("GET", "/api/demo/me", nil, "Accept-Encoding", "gzip, br, zstd").Want(t, 200); got.Header.Get("Content-Encoding") != "" {
			t.Errorf("an API's answer came as %s", got.Header.Get("Content-Encoding"))
		}
	})

	t.Run("live", func(t *testing.T) {
		conn, err := ada.OpenSocket()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		site.WantEcho(t, conn, "through two proxies")

		r, err := http.NewRequestWithContext(t.Context(), "GET", top.Base+"/api/demo/clock", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := ada.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || resp.StatusCode != 200 {
			t.Errorf("the first event: %q, %v", line, err)
		}
	})

	t.Run("plain HTTP is sent to TLS", func(t *testing.T) {
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		r, err := http.NewRequest("GET", "http://"+top.caddy.PlainAddr+"/signin", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost"
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 308 || !strings.HasPrefix(resp.Header.Get("Location"), "https://localhost") || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	})

	t.Run("an instance that dies is not missed", func(t *testing.T) {
		if err := top.instances[0].Cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			ada.Do("GET", "/api/demo/me", nil).Want(t, 200)
		}
		// A POST that was on its way there is lost: nobody may send it twice.
		top.Eventually("Caddy to see it", func() bool {
			return ada.Do("POST", "/api/demo/notes", site.Object{"text": "still here"}).StatusCode == 201
		})
		for range 20 {
			ada.Do("POST", "/api/demo/notes", site.Object{"text": "still here"}).Want(t, 201)
		}
	})

	t.Run("the operator's verb reaches the sessions", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), top.instances[1].Cmd.Path, "user", "sign-out", "ada@example.com")
		cmd.Env = top.instances[1].Cmd.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		top.Eventually("the session to end", func() bool { return ada.Do("GET", "/api/auth/me", nil).StatusCode == 401 })
	})
}
