package pages

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var builtApp = fstest.MapFS{
	"index.html":              {Data: []byte("<!doctype html>" + strings.Repeat(" ", 100))},
	"index.html.br":           {Data: []byte("page-br")},
	"assets/app-4f2a.js":      {Data: []byte(strings.Repeat("x", 100))},
	"assets/app-4f2a.js.br":   {Data: []byte("script-br")},
	"assets/app-4f2a.js.gz":   {Data: []byte("script-gz")},
	"assets/tiny-11aa.css":    {Data: []byte("a{}")},
	"assets/tiny-11aa.css.gz": {Data: []byte("longer than the file")},
	"favicon.svg":             {Data: []byte("<svg/>")},
	".vite/manifest.json":     {Data: []byte("{}")},

	".well-known/security.txt": {Data: []byte("Contact: mailto:a@example.com")},
}

func files(t *testing.T) *Files {
	t.Helper()
	f, err := NewFiles(builtApp, anyPath)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// get requests an asset, or the page when the path is "/".
func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if path == "/" {
		files(t).Page(w, r, http.StatusOK)
	} else if !files(t).Asset(w, r, path) {
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// reads counts how often each file is read.
type reads struct {
	fs.FS
	of map[string]int
}

func (r reads) ReadFile(name string) ([]byte, error) {
	r.of[name]++
	return fs.ReadFile(r.FS, name)
}

// A folder may be emptied while the server runs; the binary's own files stay,
// and those without a request take no memory.
func TestEmbeddedFilesAreReadWhenAskedFor(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", "br")
	for name, tt := range map[string]struct {
		open        func(fs.FS, func(string) error) (*Files, error)
		first, then int
	}{
		"folder":   {NewFiles, 8, 8},
		"embedded": {NewEmbeddedFiles, 0, 1},
	} {
		seen := reads{builtApp, map[string]int{}}
		f, err := tt.open(seen, anyPath)
		if err != nil {
			t.Fatal(err)
		}
		if len(seen.of) != tt.first {
			t.Errorf("%s: read at the start: %v", name, seen.of)
		}
		for range 2 {
			w := httptest.NewRecorder()
			f.Page(w, r, http.StatusOK)
			if w.Body.String() != "page-br" || w.Header().Get("Etag") == "" || w.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %q, %v", name, w.Body, w.Header())
			}
		}
		if len(seen.of) != tt.then || seen.of["index.html.br"] != 1 {
			t.Errorf("%s: read after two visits: %v", name, seen.of)
		}
	}
}

func TestCompressedCopies(t *testing.T) {
	plain := strings.Repeat("x", 100)
	for _, tt := range []struct{ accept, encoding, body string }{
		{"gzip, deflate, br, zstd", "br", "script-br"},
		{"gzip", "gzip", "script-gz"},
		{"*", "br", "script-br"},
		{"br;q=0, gzip;q=0.5", "gzip", "script-gz"},
		{"br;q=0, *", "gzip", "script-gz"},
		{"BR", "br", "script-br"},
		{"br; q=0.000, gzip;q=0", "", plain},
		{"identity", "", plain},
		{"", "", plain},
	} {
		resp := get(t, "/assets/app-4f2a.js", "Accept-Encoding", tt.accept)
		if got := resp.Header.Get("Content-Encoding"); got != tt.encoding {
			t.Errorf("Accept-Encoding %q: got %q, want %q", tt.accept, got, tt.encoding)
		}
		if got := body(t, resp); got != tt.body || resp.ContentLength != int64(len(tt.body)) {
			t.Errorf("Accept-Encoding %q: body %q, length %d", tt.accept, got, resp.ContentLength)
		}
		if resp.Header.Get("Vary") != "Accept-Encoding" || resp.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("headers %v", resp.Header)
		}
	}
}

func TestCopyThatSavesNothingIsNotServed(t *testing.T) {
	resp := get(t, "/assets/tiny-11aa.css", "Accept-Encoding", "gzip")
	if resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Vary") != "" || body(t, resp) != "a{}" {
		t.Errorf("headers %v", resp.Header)
	}
}

func TestCaching(t *testing.T) {
	for path, want := range map[string]string{
		"/assets/app-4f2a.js": "public, max-age=31536000, immutable", "/favicon.svg": "no-cache", "/": "no-cache",
	} {
		resp := get(t, path)
		if got := resp.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
		etag := resp.Header.Get("ETag")
		for header, status := range map[string]int{etag: 304, "W/" + etag: 304, `"other", ` + etag: 304, `"other"`: 200, "*": 304} {
			if again := get(t, path, "If-None-Match", header); again.StatusCode != status {
				t.Errorf("%s: If-None-Match %s: %d, want %d", path, header, again.StatusCode, status)
			}
		}
		if br := get(t, path, "Accept-Encoding", "br"); br.Header.Get("Content-Encoding") == "br" && br.Header.Get("ETag") == etag {
			t.Errorf("%s: two encodings share an ETag", path)
		}
	}
}

func TestPathsThatAreNotServed(t *testing.T) {
	for _, path := range []string{
		"/assets/gone-0000.js", "/assets/app-4f2a.js.br", "/.vite/manifest.json", "/index.html", "/assets", "/assets/", "/../index.html",
	} {
		if resp := get(t, path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestWellKnownFilesAreNotHidden(t *testing.T) {
	if resp := get(t, "/.well-known/security.txt"); resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
}

func TestAppWithoutAPageIsRefused(t *testing.T) {
	if _, err := NewFiles(fstest.MapFS{"assets/x.js": {}}, anyPath); err == nil {
		t.Error("an app without index.html was taken")
	}
}
