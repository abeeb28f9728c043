package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse-bff/gatehouse/bff/internal/proxy/route"
)

func filesWithOddNames(t *testing.T) *Files {
	t.Helper()
	f, err := NewFiles(fstest.MapFS{
		"index.html":                             {Data: []byte("<!doctype html>")},
		".well-known/security.txt":               {Data: []byte("Contact: mailto:a@example.com")},
		".well-known/.hidden":                    {Data: []byte("hidden")},
		".well-known/acme-challenge/abc-_123":    {Data: []byte("token")},
		".well-known/apple-app-site-association": {Data: []byte("{}")},
		"apple-app-site-association":             {Data: []byte("{}")},
		".well-known/assetlinks.json":            {Data: []byte("[]")},
		".env":                                   {Data: []byte("hidden")},

		"a b.txt":              {Data: []byte(strings.Repeat("space ", 20))},
		"a b.txt.gz":           {Data: []byte("space-gz")},
		"Übung.txt":            {Data: []byte("umlaut")},
		"日本/語.txt":             {Data: []byte("japanese")},
		"a+b@c.txt":            {Data: []byte("plus")},
		"100%.txt":             {Data: []byte("percent")},
		"a%20b.txt":            {Data: []byte("escaped on disk")},
		"q?#[1];=,'&$!(x)*.js": {Data: []byte("signs")},
		"dir/file.txt":         {Data: []byte("below")},
		"data.csv.gz":          {Data: []byte("to download")},
	}, anyPath)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Names that a URL encodes were 404, as they were looked up encoded.
func TestFilesWhoseNamesURLsEncode(t *testing.T) {
	app := filesWithOddNames(t)
	for path, want := range map[string]string{
		"/a%20b.txt": strings.Repeat("space ", 20), "/%C3%9Cbung.txt": "umlaut", "/%c3%9cbung.txt": "umlaut",
		"/%E6%97%A5%E6%9C%AC/%E8%AA%9E.txt": "japanese", "/a+b@c.txt": "plus", "/a%2Bb%40c.txt": "plus", "/a%2bb@c.txt": "plus",
		"/100%25.txt": "percent", "/a%2520b.txt": "escaped on disk", "/q%3F%23%5B1%5D;=,'&$!(x)*.js": "signs", "/q%3F%23%5B1%5D%3B%3D%2C%27%26%24%21%28x%29%2A.js": "signs",
		"/dir/file.txt": "below", "/data.csv.gz": "to download",

		"/a+b.txt": "", "/dir%2Ffile.txt": "", "/%2Fdir/file.txt": "", "/100%.txt": "", "/a%2Bb.txt": "", "/a%2520b%25.txt": "", "/a%20b.txt.gz": "",
		"/%25C3%259Cbung.txt": "", "/.env": "", "/.well-known/.hidden": "", "/index%20.html": "",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		found := app.Asset(w, r, path)
		if found != (want != "") || found && w.Body.String() != want {
			t.Errorf("%s: %v, %.40q, want %.40q", path, found, w.Body, want)
		}
		if row, _ := app.Find(path); found && row != "" {
			t.Errorf("%s is a file and in the pages' row %s", path, row)
		}
		if found { // what is served passes the gate
			if err := route.CheckPath(path); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.Header.Set("Accept-Encoding", "gzip")
	app.Asset(w, r, "/a%20b.txt")
	resp := w.Result()
	if got := body(t, resp); got != "space-gz" || resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("the compressed copy: %q, %v", got, resp.Header)
	}
}

// iOS opens no links in an app whose association is not JSON.
func TestTypesOfWellKnownFiles(t *testing.T) {
	for path, want := range map[string]string{
		"/.well-known/apple-app-site-association": "application/json", "/apple-app-site-association": "application/json",
		"/.well-known/assetlinks.json": "application/json", "/.well-known/security.txt": "text/plain; charset=utf-8",
		"/.well-known/acme-challenge/abc-_123": "text/plain; charset=utf-8", "/data.csv.gz": "application/gzip",
	} {
		w := httptest.NewRecorder()
		found := filesWithOddNames(t).Asset(w, httptest.NewRequest(http.MethodGet, "/", nil), path)
		if got := w.Header().Get("Content-Type"); !found || got != want {
			t.Errorf("%s: %v, %s, want %s", path, found, got, want)
		}
	}
}
