package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	reloaded    = "routes reloaded"
	notReloaded = "not reloaded"
)

// routesFile is a ROUTES_FILE that a test writes to.
type routesFile struct {
	t    *testing.T
	name string
}

func newRoutesFile(t *testing.T, rows ...string) routesFile {
	t.Helper()
	f := routesFile{t, filepath.Join(t.TempDir(), "routes.yaml")}
	f.write(rows...)
	return f
}

// write puts these rows, each one a YAML mapping without its indentation, into
// the file. It replaces the file as an operator should: by renaming.
func (f routesFile) write(rows ...string) {
	f.t.Helper()
	text := "routes:\n"
	for _, row := range rows {
		text += "  - " + strings.ReplaceAll(strings.TrimSpace(row), "\n", "\n    ") + "\n"
	}
	if len(rows) == 0 {
		text = "routes: []\n"
	}
	if err := os.WriteFile(f.name+".new", []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.name+".new", f.name); err != nil {
		f.t.Fatal(err)
	}
}

// open is a row that everybody may use.
func open(path string, upstreams ...string) string {
	return "path: " + path + "\nupstreams: [" + strings.Join(upstreams, ", ") + "]\naccess: public"
}

// says is an upstream that answers with its name.
func says(t *testing.T, name string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestReload(t *testing.T) {
	file := buildBinary(t)
	for name, test := range map[string]func(*testing.T, string){
		"good file": reloadGood, "bad file": reloadBad, "no file": reloadNothing, "requests under way": reloadUnderWay, "load": reloadUnderLoad,
	} {
		t.Run(name, func(t *testing.T) { test(t, file) })
	}
}

func reloadGood(t *testing.T, file string) {
	one, two := says(t, "one"), says(t, "two")
	closed := make(chan struct{}, 16)
	gone := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "gone") }))
	gone.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			closed <- struct{}{}
		}
	}
	gone.Start()
	defer gone.Close()
	routes := newRoutesFile(t, open("/api/kept", one.URL), open("/api/moved", one.URL), open("/api/gone", gone.URL))
	s := startBinary(t, file, "ROUTES_FILE", routes.name)
	b := s.browser()
	for path, want := range map[string]string{"/api/kept": "one", "/api/moved/x": "one", "/api/gone": "gone"} {
		if got := b.do("GET", path, nil).want(t, 200).text; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	b.do("GET", "/api/new", nil).want(t, 404, "not_found")

	var probed atomic.Int64
	probe := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/up" {
			probed.Add(1)
		}
	}))
	defer probe.Close()
	routes.write(open("/api/kept", one.URL), open("/api/moved", two.URL)+"\nmethods: [GET]", open("/api/new", two.URL),
		open("/api/probed", probe.URL, one.URL)+"\nhealth_path: /up",
		"path: /api/members\nupstreams: ["+two.URL+"]")
	b.do("GET", "/api/gone", nil).want(t, 200) // a file alone changes nothing
	line := s.reload(reloaded)
	want := object{
		"level": "INFO", "file": routes.name, "rows": 5.0, "added": []any{"/api/members", "/api/new", "/api/probed"}, "removed": []any{"/api/gone"},
		"changed": []any{"/api/moved (upstreams, methods)"},
	}
	for key, value := range want {
		if diff := cmp.Diff(value, line[key]); diff != "" {
			t.Errorf("logged %s: %s", key, diff)
		}
	}
	for path, want := range map[string]string{"/api/kept": "one", "/api/moved/x": "two", "/api/new": "two"} {
		if got := b.do("GET", path, nil).want(t, 200).text; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	b.do("GET", "/api/gone", nil).want(t, 404, "not_found")
	b.do("POST", "/api/moved", nil).want(t, 405, "method_not_allowed")
	b.do("GET", "/api/members", nil).want(t, 401, "not_authenticated")
	s.eventually("the connection to the upstream that is gone to be closed", func() bool { return len(closed) > 0 })

	s.eventually("the health path of a new row to be asked", func() bool { return probed.Load() > 0 })

	// The same file again, then none at all.
	line = s.reload(reloaded)
	for _, key := range []string{"added", "removed", "changed"} {
		if diff := cmp.Diff([]any{}, line[key]); diff != "" {
			t.Errorf("nothing has changed, and %s: %s", key, diff)
		}
	}
	routes.write()
	s.reload(reloaded)
	b.do("GET", "/api/kept", nil).want(t, 404, "not_found")
}

func reloadBad(t *testing.T, file string) {
	one := says(t, "one")
	routes := newRoutesFile(t, open("/api/kept", one.URL))
	s := startBinary(t, file, "ROUTES_FILE", routes.name)
	b := s.browser()
	// A good row beside bad ones is not taken either.
	routes.write(open("/api/new", one.URL), "path: /api/kept\nupstreams: [nonsense]\nrole: [admin]", "path: /api/auth/x\nupstreams: ["+one.URL+"]")
	line := s.reload(notReloaded)
	mistakes, _ := line["mistakes"].([]any)
	if line["level"] != "ERROR" || len(mistakes) != 3 {
		t.Fatalf("logged %v", line)
	}
	for i, want := range []string{"line 6: upstreams: \"nonsense\"", "line 7: unknown key \"role\"", "line 8: path: \"/api/auth/x\" is reserved"} {
		want = "ROUTES_FILE " + routes.name + ": " + want
		if got, _ := mistakes[i].(string); !strings.HasPrefix(got, want) {
			t.Errorf("mistake %d: %q, want %q", i+1, got, want)
		}
	}
	unchanged := func() {
		t.Helper()
		if got := b.do("GET", "/api/kept", nil).want(t, 200).text; got != "one" {
			t.Errorf("%q", got)
		}
		b.do("GET", "/api/new", nil).want(t, 404, "not_found")
	}
	unchanged()
	for name, spoil := range map[string]func() error{
		"no YAML": func() error { return os.WriteFile(routes.name, []byte("routes: [\n"), 0o600) },
		"empty":   func() error { return os.WriteFile(routes.name, nil, 0o600) },
		"missing": func() error { return os.Remove(routes.name) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if mistakes, _ := s.reload(notReloaded)["mistakes"].([]any); len(mistakes) != 1 {
			t.Errorf("%s: mistakes %v", name, mistakes)
		}
		unchanged()
	}
	routes.write(open("/api/new", one.URL))
	s.reload(reloaded)
	b.do("GET", "/api/new", nil).want(t, 200)
	b.do("GET", "/api/kept", nil).want(t, 404, "not_found")
}

func reloadNothing(t *testing.T, file string) {
	s := startBinary(t, file)
	for range 2 {
		if diff := cmp.Diff([]any{}, s.reload("reloaded")["changed"]); diff != "" {
			t.Error(diff)
		}
	}
	s.browser().do("GET", "/api/demo/me", nil).want(t, 401, "not_authenticated")
	if n := len(s.logged(reloaded)); n > 0 {
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
	routes := newRoutesFile(t, open("/api/slow", slow.URL))
	s := startBinary(t, file, "ROUTES_FILE", routes.name)

	download, err := http.Get(s.base + "/api/slow")
	if err != nil {
		t.Fatal(err)
	}
	defer download.Body.Close()
	body, send := io.Pipe()
	upload := make(chan answer, 1)
	go func() {
		resp, err := http.Post(s.base+"/api/slow", "text/plain", body)
		if err != nil {
			t.Error(err)
		}
		a, _ := read(resp, err)
		upload <- a
	}()
	_, _ = io.WriteString(send, "half ")
	s.eventually("both requests to arrive", func() bool { return arrived.Load() == 2 })

	routes.write()
	s.reload(reloaded)
	s.browser().do("GET", "/api/slow", nil).want(t, 404, "not_found")
	_, _ = io.WriteString(send, "other")
	send.Close()
	if a := <-upload; a.Response == nil || a.StatusCode != 200 || a.text != "10 bytes" {
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
	one, two := says(t, "one"), says(t, "two")
	loaded := func(upstreams ...string) string { return open("/api/load", upstreams...) }
	routes := newRoutesFile(t, loaded(one.URL))
	s := startBinary(t, file, "ROUTES_FILE", routes.name, "LOG_LEVEL", "info")
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
				r, err := http.NewRequest([]string{"GET", "POST"}[i%2], s.base+"/api/load/x", strings.NewReader("body"))
				if err != nil {
					t.Error(err)
					return
				}
				a, err := read(tabs.Do(r))
				if err != nil || a.StatusCode != 200 || a.text != "one" && a.text != "two" {
					t.Errorf("%s: %v, %s", r.Method, err, a.text)
					return
				}
				if a.text == "one" {
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
			routes.write(loaded(two.URL))
		case 1:
			routes.write(open("/api/load/x", one.URL), loaded(two.URL), open("/api/more", two.URL))
		case 2:
			routes.write(open("/api/load"))
			message = notReloaded
		case 3:
			routes.write(loaded(one.URL, two.URL))
		}
		s.reload(message)
		before := done.Load()
		s.eventually("more requests", func() bool { return done.Load() > before+12 || t.Failed() })
	}
	close(stop)
	all.Wait()
	t.Logf("%d requests, %d by one upstream, %d by the other", done.Load(), seen[0].Load(), seen[1].Load())
	if seen[0].Load() == 0 || seen[1].Load() == 0 {
		t.Error("one of the upstreams was never asked")
	}
	tabs.CloseIdleConnections()
}
