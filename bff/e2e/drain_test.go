package e2e

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
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func echoAPI(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	}
	<-time.After(5 * time.Millisecond)
	_, _ = io.Copy(w, r.Body)
}

// restarted ends a process as an orchestrator does, and starts it anew.
func (b *binary) restarted(env ...string) *binary {
	b.t.Helper()
	b.terminate()
	b.eventually("the process to end", b.ended)
	if code := b.cmd.ProcessState.ExitCode(); code != 0 {
		b.t.Errorf("exit code %d; it logged:\n%s", code, b.logs)
	}
	return b.again(env...)
}

// again starts what has ended, with the environment it had, and more.
func (b *binary) again(env ...string) *binary {
	b.t.Helper()
	next := &binary{
		site: &site{t: b.t, base: b.base, logs: &lockedBuffer{}},
		cmd:  exec.Command(b.cmd.Path, b.cmd.Args[1:]...), exited: make(chan struct{}),
	}
	next.cmd.Env, next.cmd.Stderr = b.cmd.Env, next.logs
	for i := 0; i < len(env); i += 2 {
		next.cmd.Env = append(next.cmd.Env, env[i]+"="+env[i+1])
	}
	next.run()
	return next
}

func (b *binary) terminate() {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatal(err)
	}
}

func (i *instance) wait(s *site) {
	s.t.Helper()
	s.eventually("the balancer to see the instance", i.ready.Load)
}

// An instance is restarted, twice, under load: no request fails, nobody is
// signed out, and whoever has a WebSocket is told to come again.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	file := buildBinary(t)
	lb := newBalancer(t, 2)
	s := servicesFor(t, http.HandlerFunc(echoAPI))
	a := newBinary(t, file, lb.behind(t, s, 0)...)
	a.run()
	b := newBinary(t, file, lb.behind(t, s, 1)...)
	b.run()
	lb.instances[0].wait(a.site)
	lb.instances[1].wait(b.site)
	commuters := lb.crowd(t, 4, "/api/up/echo")
	walker := newCommuter(t, lb.url, "walker@example.com", "", nil)
	for range 2 {
		commuters.getOn("before the restart")
		conn, _, err := websocket.Dial(t.Context(), strings.Replace("http://"+lb.instances[0].public, "http", "ws", 1)+"/api/up/echo",
			&websocket.DialOptions{HTTPClient: &http.Client{Jar: sameHost{walker.client.Jar}}, Host: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		a.terminate()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, _, err = conn.Read(ctx)
		cancel()
		var closed websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
			t.Errorf("the WebSocket: %v, want 1001", err)
		}
		conn.CloseNow()
		a.eventually("the process to end", a.ended)
		if code := a.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d; it logged:\n%s", code, a.logs)
		}
		commuters.getOn("with one instance")
		a = a.again()
		lb.instances[0].wait(a.site)
		served := lb.instances[0].served.Load()
		commuters.getOn("after the restart")
		if lb.instances[0].served.Load() == served {
			t.Error("the new process gets no requests")
		}
	}
	commuters.end()
}

// sameHost lets a jar's cookies go to an instance behind the balancer.
type sameHost struct{ http.CookieJar }

func (j sameHost) Cookies(u *url.URL) []*http.Cookie {
	return j.CookieJar.Cookies(&url.URL{Scheme: "http", Host: "localhost", Path: u.Path})
}

// underWay is a product with half of an upload on its way through it.
func underWay(t *testing.T, file, timeout string) (b *binary, conn net.Conn, ops string) {
	t.Helper()
	arrived := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		text, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "heard %s", text)
	}))
	t.Cleanup(up.Close)
	ops = "http://" + freeAddr(t)
	b = newBinary(t, file, "ROUTES_FILE", newRoutesFile(t, open("/api/up", up.URL)).name, "SHUTDOWN_TIMEOUT", timeout, "OPS_ADDR", strings.TrimPrefix(ops, "http://"))
	b.run()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
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
	file := buildBinary(t)
	t.Run("what is under way is finished, and readiness goes first", func(t *testing.T) {
		t.Parallel()
		b, upload, ops := underWay(t, file, "8s")
		kept := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
		defer kept.CloseIdleConnections()
		ask := func(url string) (answer, error) { return read(kept.Get(url)) }
		for url, closes := range map[string]bool{b.base + "/healthz": false, ops + "/readyz": false} {
			if a, err := ask(url); err != nil || a.StatusCode != 200 || a.Close != closes {
				t.Fatalf("%s: %+v, %v", url, a, err)
			}
		}
		b.terminate()
		b.eventually("readiness to be off", func() bool {
			a, err := ask(ops + "/readyz")
			return err == nil && a.StatusCode == 503 && strings.Contains(a.text, `"draining"`)
		})
		if a, err := ask(b.base + "/healthz"); err != nil || a.StatusCode != 503 || a.text != "draining" {
			t.Errorf("what load balancers are told in the grace: %+v, %v", a, err)
		}
		for range 2 { // on the connection from before, then on a new one
			if a, err := ask(b.base + "/.well-known/jwks.json"); err != nil || a.StatusCode != 200 || !a.Close {
				t.Errorf("in the grace: %+v, %v", a, err)
			}
		}
		b.eventually("the listener to close", func() bool {
			conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
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
		b.eventually("the process to end", b.ended)
		if code := b.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run("a second signal ends it at once: "+signal.String(), func(t *testing.T) {
			t.Parallel()
			b, _, _ := underWay(t, file, "10m")
			b.terminate()
			b.eventually("the drain", func() bool { return len(b.logged("draining")) > 0 })
			if b.ended() {
				t.Fatal("it ended by itself")
			}
			if err := b.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			b.eventually("the process to end", b.ended)
			if b.cmd.ProcessState.Success() {
				t.Error("it says that all went well")
			}
		})
	}
}
