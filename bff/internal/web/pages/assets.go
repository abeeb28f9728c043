package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Files serves a built app from memory: every file, and the compressed copies
// that the build laid beside it.
type Files struct {
	assets map[string]*asset // by request path
	page   *asset
	appFacts
}

type asset struct {
	contentType  string
	cacheControl string
	variants     []variant // best first; the last one is the plain file
}

type variant struct {
	encoding string // "" for the plain file
	content  func() content
}

type content struct {
	etag string
	body []byte
}

// assetsDir is the folder of files with a hash in their names.
const assetsDir = "/assets/"

const (
	// Names under /assets/ hold a hash of the content: new content, new name.
	cacheForever = "public, max-age=31536000, immutable"
	// Cached, but revalidated each time; an ETag makes that cheap.
	cacheCheck = "no-cache"
)

// encodings, best first. The suffix is the build's.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// NewFiles reads a built app: index.html, its assets and their copies, and
// gatehouse.json if it differs from the one in spa/. check refuses paths at which
// the app may not have pages.
func NewFiles(dist fs.FS, check func(path string) error) (*Files, error) {
	return newFiles(dist, check, false)
}

// NewEmbeddedFiles is NewFiles for files that cannot change or go away. Each is read
// at the first request for it: most of them, such as plain files that have compressed
// copies, never are.
func NewEmbeddedFiles(dist fs.FS, check func(path string) error) (*Files, error) {
	return newFiles(dist, check, true)
}

func newFiles(dist fs.FS, check func(path string) error, late bool) (*Files, error) {
	f := &Files{assets: map[string]*asset{}, appFacts: appFacts{table: ownPages}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(path.Base(name), ".") && name != "." && name != ".well-known"; hidden {
			if d.IsDir() {
				return fs.SkipDir // .vite: the build's manifest
			}
			return nil
		}
		if d.IsDir() || isCompressedCopy(dist, name) {
			return nil
		}
		a, err := newAsset(dist, name, late)
		if err != nil {
			return err
		}
		f.assets["/"+name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the app's files: %w", err)
	}
	if f.page = f.assets["/index.html"]; f.page == nil {
		return nil, fmt.Errorf("read the app's files: there is no index.html; build the app first")
	}
	delete(f.assets, "/index.html") // "/" is its address
	if own := f.assets["/"+appFile]; own != nil {
		if f.appFacts, err = readAppFile(own.plain().content().body, check, func(path string) bool { return f.file(path) != nil }); err != nil {
			return nil, fmt.Errorf("read the app's files: %w", err)
		}
		delete(f.assets, "/"+appFile) // it is for the server
	}
	return f, nil
}

// isCompressedCopy reports whether the plain file is beside name. Without one it is
// a file to download.
func isCompressedCopy(dist fs.FS, name string) bool {
	for _, e := range encodings {
		if plain, ok := strings.CutSuffix(name, e.suffix); ok {
			_, err := fs.Stat(dist, plain)
			return err == nil
		}
	}
	return false
}

func newAsset(dist fs.FS, name string, late bool) (*asset, error) {
	plain, err := fs.Stat(dist, name)
	if err != nil {
		return nil, err
	}
	a := &asset{contentType: contentType(name), cacheControl: cacheCheck}
	if strings.HasPrefix(name, "assets/") {
		a.cacheControl = cacheForever
	}
	for _, e := range encodings {
		// A copy that saves nothing is not worth a Vary.
		if copied, err := fs.Stat(dist, name+e.suffix); err != nil || copied.Size() >= plain.Size() {
			continue
		}
		if err := a.add(dist, e.name, name+e.suffix, late); err != nil {
			return nil, err
		}
	}
	return a, a.add(dist, "", name, late)
}

func (a *asset) add(dist fs.FS, encoding, name string, late bool) error {
	v := variant{encoding: encoding}
	if late {
		v.content = sync.OnceValue(func() content {
			body, err := fs.ReadFile(dist, name)
			if err != nil {
				panic(err) // it is in the binary
			}
			return newContent(body)
		})
	} else {
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		c := newContent(body)
		v.content = func() content { return c }
	}
	a.variants = append(a.variants, v)
	return nil
}

func newContent(body []byte) content {
	sum := sha256.Sum256(body)
	return content{etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, body: body}
}

// file finds the file that a path, as it was sent, names: "/a%20b.txt" is the file
// "a b.txt", and "+" is itself. The path has passed the canonical gate. An
// encoded slash separates nothing, so it names no file.
func (f *Files) file(path string) *asset {
	if !strings.Contains(path, "%") {
		return f.assets[path]
	}
	name, err := url.PathUnescape(path)
	if err != nil || strings.Count(name, "/") != strings.Count(path, "/") {
		return nil
	}
	return f.assets[name]
}

// Find implements web.Pages. A path of a file is not a page.
func (f *Files) Find(path string) (row string, who Access) {
	if f.file(path) != nil {
		return "", ""
	}
	return f.table.find(path)
}

// Policies implements web.Pages.
func (f *Files) Policies() []string { return f.policies }

// Asset implements web.Pages.
func (f *Files) Asset(w http.ResponseWriter, r *http.Request, path string) bool {
	a := f.file(path)
	if a == nil {
		return false
	}
	a.serve(w, r, http.StatusOK)
	return true
}

// Page implements web.Pages.
func (f *Files) Page(w http.ResponseWriter, r *http.Request, status int) {
	f.page.serve(w, r, status)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	v := a.choose(r.Header.Get("Accept-Encoding"))
	h.Set("Content-Type", a.contentType)
	if h.Get("Set-Cookie") == "" { // else it is no-store already
		h.Set("Cache-Control", a.cacheControl)
	}
	if len(a.variants) > 1 {
		h.Add("Vary", "Accept-Encoding")
	}
	c := v.content()
	h.Set("ETag", c.etag)
	if status == http.StatusOK && matches(r.Header.Get("If-None-Match"), c.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if v.encoding != "" {
		h.Set("Content-Encoding", v.encoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(c.body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(c.body) // a client that is gone needs no response
	}
}

func (a *asset) plain() variant { return a.variants[len(a.variants)-1] }

// choose picks the best variant that the client takes (RFC 9110 §12.5.3).
func (a *asset) choose(accept string) variant {
	for _, v := range a.variants {
		if v.encoding == "" || accepts(accept, v.encoding) {
			return v
		}
	}
	return a.plain()
}

func accepts(header, encoding string) bool {
	star := false
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		wanted := !zeroQuality(params)
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, encoding):
			return wanted
		case name == "*":
			star = wanted
		}
	}
	return star
}

func zeroQuality(params string) bool {
	name, value, _ := strings.Cut(strings.TrimSpace(params), "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}

// matches compares weakly, as If-None-Match does (RFC 9110 §13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
