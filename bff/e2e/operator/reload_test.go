package operator

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-bff/gatehouse/bff/e2e/site"
)

const (
	reloaded    = "routes reloaded"
	notReloaded = "not reloaded"
)

func TestReload(t *testing.T) {
	file := site.BuildBinary(t)
	for name, test := range map[string]func(*testing.T, string){
		"good file": reloadGood, "bad file": reloadBad, "no file": reloadNothing, "requests under way": reloadUnderWay, "load": reloadUnderLoad,
	} {
		t.Run(name, func(t *testing.T) { test(t, file) })
	}
}

func reloadGood(t *testing.T, file string) {
	one, two := site.NamedUpstream(t, "one"), site.NamedUpstream(t, "two")
	closed := make(chan struct{}, 16)
	gone := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "gone") }))
	gone.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	gone.Start()
	defer gone.Close()
	routes := site.NewRoutesFile(t, site.PublicRow("/api/kept", one.URL), site.PublicRow("/api/moved", one.URL), site.PublicRow("/api/gone", gone.URL))
	s := site.StartBinary(t, file, "ROUTES_FILE", routes.Name)
	b := s.Browser()
	for path, want := range map[string]string{"/api/kept": "one", "/api/moved/x": "one", "/api/gone": "gone"} {
		if got := b.Do("GET", path, nil).Want(t, 200).Text; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	b.Do("GET", "/api/new", nil).Want(t, 404, "not_found")

	var probed atomic.Int64
	probe := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" {
			probed.Add(1)
		}
	}))
	defer probe.Close()
	routes.Write(site.PublicRow("/api/kept", one.URL), site.PublicRow("/api/moved", two.URL)+"\nmethods: [GET]", site.PublicRow("/api/new", two.URL),
		site.PublicRow("/api/probed", probe.URL, one.URL)+"\nhealth_path: /up",
		"path: /api/members\nupstreams: ["+two.URL+"]")
	b.Do("GET", "/api/gone", nil).Want(t, 200) // a file alone changes nothing
	line := s.Reload(reloaded)
	want := site.Object{
		"level": "INFO", "file": routes.Name, "rows": 5.0, "added": []any{"/api/members", "/api/new", "/api/probed"}, "removed": []any{"/api/gone"},
		"changed": []any{"/api/moved (upstreams, methods)"},
	}
	for key, value := range want {
		if diff := cmp.Diff(value, line[key]); diff != "" {
			t.Errorf("logged %s: %s", key, diff)
		}
	}
	for path, want := range map[string]string{"/api/kept": "one", "/api/moved/x": "two", "/api/new": "two"} {
		if got := b.Do("GET", path, nil).Want(t, 200).Text; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	b.Do("GET", "/api/gone", nil).Want(t, 404, "not_found")
	b.Do("POST", "/api/moved", nil).Want(t, 405, "method_not_allowed")
	b.Do("GET", "/api/members", nil).Want(t, 401, "not_authenticated")
	s.Eventually("the connection to the upstream that is gone to be closed", func() bool { return len(closed) > 0 })

	s.Eventually("the health path of a new row to be asked", func() bool { return probed.Load() > 0 })

	// The same file again, then none at all.
	line = s.Reload(reloaded)
	for _, key := range []string{"added", "removed", "changed"} {
		if diff := cmp.Diff([]any{}, line[key]); diff != "" {
			t.Errorf("nothing has changed, and %s: %s", key, diff)
		}
	}
	routes.Write()
	s.Reload(reloaded)
	b.Do("GET", "/api/kept", nil).Want(t, 404, "not_found")
}

func reloadBad(t *testing.T, file string) {
	one := site.NamedUpstream(t, "one")
	routes := site.NewRoutesFile(t, site.PublicRow("/api/kept", one.URL))
	s := site.StartBinary(t, file, "ROUTES_FILE", routes.Name)
	b := s.Browser()
	// A good row beside bad ones is not taken either.
	routes.Write(site.PublicRow("/api/new", one.URL), "path: /api/kept\nupstreams: [nonsense]\nrole: [admin]", "path: /api/auth/x\nupstreams: ["+one.URL+"]")
	line := s.Reload(notReloaded)
	mistakes, _ := line["mistakes"].([]any)
	if line["level"] != "ERROR" || len(mistakes) != 3 {
		t.Fatalf("logged %v", line)
	}
	for i, want := range []string{"line 6: upstreams: \"nonsense\"", "line 7: unknown key \"role\"", "line 8: path: \"/api/auth/x\" is reserved"} {
		want = "ROUTES_FILE " + routes.Name + ": " + want
		if got, _ := mistakes[i].(string); !strings.HasPrefix(got, want) {
			t.Errorf("mistake %d: %q, want %q", i+1, got, want)
		}
	}
	unchanged := func() {
		t.Helper()
		if got := b.Do("GET", "/api/kept", nil).Want(t, 200).Text; got != "one" {
			t.Errorf("%q", got)
		}
		b.Do("GET", "/api/new", nil).Want(t, 404, "not_found")
	}
	unchanged()
	for name, spoil := range map[string]func() error{
		"no YAML": func() error { return os.WriteFile(routes.Name, []byte("routes: [\n"), 0o600) },
		"empty":   func() error { return os.WriteFile(routes.Name, nil, 0o600) },
		"missing": func() error { return os.Remove(routes.Name) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if mistakes, _ := s.Reload(notReloaded)["mistakes"].([]any); len(mistakes) != 1 {
			t.Errorf("%s: mistakes %v", name, mistakes)
		}
		unchanged()
	}
	routes.Write(site.PublicRow("/api/new", one.URL))
	s.Reload(reloaded)
	b.Do("GET", "/api/new", nil).Want(t, 200)
	b.Do("GET", "/api/kept", nil).Want(t, 404, "not_found")
}

func reloadNothing(t *testing.T, file string) {
	s := site.StartBinary(t, file)
	for range 2 {
		if diff := cmp.Diff([]any{}, s.Reload("reloaded")["changed"]); diff != "" {
			t.Error(diff)
		}
	}
	s.Browser().Do("GET", "/api/demo/me", nil).Want(t, 401, "not_authenticated")
	if n := len(s.Logged(reloaded)); n > 0 {
		t.Errorf("reloaded %d times", n)
	}
}

// A request belongs to the row that it was let in by, to its end: the body it
// is still sending, the answer it is still reading.
func reloadUnderWay(t *testing.T, file string) {
	release := make(chan struct{})
	var arrived atomic.Int64
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		if r.Method == http.MethodPost {
			text, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d bytes", len(text))
			return
		}
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, "second")
	}))
	t.Cleanup(slow.Close)
	routes := site.NewRoutesFile(t, site.PublicRow("/api/slow", slow.URL))
	s := site.StartBinary(t, file, "ROUTES_FILE", routes.Name)

	download, err := http.Get(s.Base + "/api/slow")
	if err != nil {
		t.Fatal(err)
	}
	defer download.Body.Close()
	body, send := io.Pipe()
	upload := make(chan site.Answer, 1)
	go func() {
		resp, err := http.Post(s.Base+"/api/slow", "text/plain", body)
		if err != nil {
			t.Error(err)
		}
		a, _ := site.Read(resp, err)
		upload <- a
	}()
	_, _ = io.WriteString(send, "half ")
	s.Eventually("both requests to arrive", func() bool { return arrived.Load() == 2 })

	routes.Write()
	s.Reload(reloaded)
	s.Browser().Do("GET", "/api/slow", nil).Want(t, 404, "not_found")
	_, _ = io.WriteString(send, "other")
	send.Close()
	if a := <-upload; a.Response == nil || a.StatusCode != 200 || a.Text != "10 bytes" {
		t.Errorf("the upload: %+v", a)
	}
	close(release)
	if text, err := io.ReadAll(download.Body); err != nil || string(text) != "first second" {
		t.Errorf("the download: %q, %v", text, err)
	}
}

// Twenty reloads under load: upstreams come and go, rows come and go, files
// are bad in between, and nobody notices.
func reloadUnderLoad(t *testing.T, file string) {
	one, two := site.NamedUpstream(t, "one"), site.NamedUpstream(t, "two")
	loaded := func(upstreams ...string) string { return site.PublicRow("/api/load", upstreams...) }
	routes := site.NewRoutesFile(t, loaded(one.URL))
	s := site.StartBinary(t, file, "ROUTES_FILE", routes.Name, "LOG_LEVEL", "info")
	stop := make(chan struct{})
	var done atomic.Int64
	var seen [2]atomic.Int64
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			for i := n; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				// A POST is not sent twice: it fails when its connection does.
				r, err := http.NewRequest([]string{"GET", "POST"}[i%2], s.Base+"/api/load/x", strings.NewReader("body"))
				if err != nil {
					t.Error(err)
					return
				}
				a, err := site.Read(site.Client.Do(r))
				if err != nil || a.StatusCode != 200 || a.Text != "one" && a.Text != "two" {
					t.Errorf("%s: %v, %s", r.Method, err, a.Text)
					return
				}
				if a.Text == "one" {
					seen[0].Add(1)
				} else {
					seen[1].Add(1)
				}
				done.Add(1)
			}
		})
	}
	for i := range 20 {
		message := reloaded
		switch i % 4 {
		case 0:
			routes.Write(loaded(two.URL))
		case 1:
			routes.Write(site.PublicRow("/api/load/x", one.URL), loaded(two.URL), site.PublicRow("/api/more", two.URL))
		case 2:
			routes.Write(site.PublicRow("/api/load"))
			message = notReloaded
		case 3:
			routes.Write(loaded(one.URL, two.URL))
		}
		s.Reload(message)
		before := done.Load()
		s.Eventually("more requests", func() bool { return done.Load() > before+12 || t.Failed() })
	}
	close(stop)
	all.Wait()
	t.Logf("%d requests, %d by one upstream, %d by the other", done.Load(), seen[0].Load(), seen[1].Load())
	if seen[0].Load() == 0 || seen[1].Load() == 0 {
		t.Error("one of the upstreams was never asked")
	}
	site.Client.CloseIdleConnections()
}
