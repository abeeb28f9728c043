package instances

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

// An instance is restarted, twice, under load: no request fails, no session is
// signed out, and open WebSockets are closed with 1001.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	lb := site.NewBalancer(t, 2)
	s := site.ServicesFor(t, http.HandlerFunc(site.EchoAPI))
	a := site.NewBinary(t, file, lb.Env(t, s, 0)...)
	a.Run()
	b := site.NewBinary(t, file, lb.Env(t, s, 1)...)
	b.Run()
	lb.Instances[0].AwaitTraffic(a.Harness)
	lb.Instances[1].AwaitTraffic(b.Harness)
	commuters := lb.NewCrowd(t, 4, "/api/up/echo")
	walker := site.NewCommuter(t, lb.URL, "walker@example.com", "", nil)
	for range 2 {
		commuters.AwaitProgress("before the restart")
		conn, _, err := websocket.Dial(t.Context(), strings.Replace("http://"+lb.Instances[0].Addr, "http", "ws", 1)+"/api/up/echo",
			&websocket.DialOptions{HTTPClient: &http.Client{Jar: sameHost{walker.Client.Jar}}, Host: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		a.Terminate()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, _, err = conn.Read(ctx)
		cancel()
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
			t.Errorf("the WebSocket: %v, want 1001", err)
		}
		conn.CloseNow()
		a.Eventually("the process to end", a.HasExited)
		if code := a.Cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d; it logged:\n%s", code, a.Logs)
		}
		commuters.AwaitProgress("with one instance")
		a = a.StartAgain()
		lb.Instances[0].AwaitTraffic(a.Harness)
		served := lb.Instances[0].Served.Load()
		commuters.AwaitProgress("after the restart")
		if lb.Instances[0].Served.Load() == served {
			t.Error("the new process gets no requests")
		}
	}
	commuters.End()
}

// sameHost lets a jar's cookies go to an instance behind the balancer.
type sameHost struct{ http.CookieJar }

func (j sameHost) Cookies(u *url.URL) []*http.Cookie {
	return j.CookieJar.Cookies(&url.URL{Scheme: "http", Host: "localhost", Path: u.Path})
}

// underWay is a product with half of an upload on its way through it.
func underWay(t *testing.T, file, timeout string) (b *site.Binary, conn net.Conn, ops string) {
	t.Helper()
	arrived := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		text, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "heard %s", text)
	}))
	t.Cleanup(up.Close)
	ops = "http://" + site.FreeAddr(t)
	b = site.NewBinary(t, file, "ROUTES_FILE", site.NewRoutesFile(t, site.PublicRow("/api/up", up.URL)).Name, "SHUTDOWN_TIMEOUT", timeout, "OPS_ADDR", strings.TrimPrefix(ops, "http://"))
	b.Run()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprint(conn, "POST /api/up HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst")
	select {
	case <-arrived:
	case <-time.After(time.Minute):
		t.Fatal("nothing arrived at the upstream")
	}
	return b, conn, ops
}

func TestDrain(t *testing.T) {
	t.Parallel()
	file := site.BuildBinary(t)
	t.Run("what is under way is finished, and readiness goes first", func(t *testing.T) {
		t.Parallel()
		b, upload, ops := underWay(t, file, "8s")
		kept := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
		defer kept.CloseIdleConnections()
		ask := func(url string) (site.Answer, error) { return site.Read(kept.Get(url)) }
		for url, closes := range map[string]bool{b.Base + "/healthz": false, ops + "/readyz": false} {
			if a, err := ask(url); err != nil || a.StatusCode != 200 || a.Close != closes {
				t.Fatalf("%s: %+v, %v", url, a, err)
			}
		}
		b.Terminate()
		b.Eventually("readiness to be off", func() bool {
			a, err := ask(ops + "/readyz")
			return err == nil && a.StatusCode == 503 && strings.Contains(a.Text, `"draining"`)
		})
		if a, err := ask(b.Base + "/healthz"); err != nil || a.StatusCode != 503 || a.Text != "draining" {
			t.Errorf("what load balancers are told in the grace: %+v, %v", a, err)
		}
		for range 2 { // on the connection from before, then on a new one
			if a, err := ask(b.Base + "/.well-known/jwks.json"); err != nil || a.StatusCode != 200 || !a.Close {
				t.Errorf("in the grace: %+v, %v", a, err)
			}
		}
		b.Eventually("the listener to close", func() bool {
			conn, err := net.Dial("tcp", strings.TrimPrefix(b.Base, "http://"))
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		fmt.Fprint(upload, " last")
		if resp, err := http.ReadResponse(bufio.NewReader(upload), nil); err != nil || resp.StatusCode != 200 || !resp.Close {
			t.Errorf("%+v, %v", resp, err)
		} else if text, err := io.ReadAll(resp.Body); string(text) != "heard first last" {
			t.Errorf("%q, %v", text, err)
		}
		b.Eventually("the process to end", b.HasExited)
		if code := b.Cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run("a second signal ends it at once: "+signal.String(), func(t *testing.T) {
			t.Parallel()
			b, _, _ := underWay(t, file, "10m")
			b.Terminate()
			b.Eventually("the drain", func() bool { return len(b.Logged("draining")) > 0 })
			if b.HasExited() {
				t.Fatal("it ended by itself")
			}
			if err := b.Cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			b.Eventually("the process to end", b.HasExited)
			if b.Cmd.ProcessState.Success() {
				t.Error("it says that all went well")
			}
		})
	}
}
