package pages

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// anyPath allows every page; web tests its own rule.
func anyPath(string) error { return nil }

// with is an app with this gatehouse.json.
func with(text string) fstest.MapFS {
	app := maps.Clone(builtApp)
	app["orders/logo.png"] = &fstest.MapFile{}
	app[appFile] = &fstest.MapFile{Data: []byte(text)}
	return app
}

func TestPagesOfAnotherApp(t *testing.T) {
	f, err := NewFiles(with(`{"pages": {
		"anyone": ["/", "/signin", "/login", "/*", "/orders/new"], "members": ["/orders", "/orders/*"]
	}}`), anyPath)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		row string
		who Access
	}{
		"/":                     {"/", Anyone},
		"/login":                {"/login", Anyone},
		"/dashboard":            {"/*", Anyone}, // not the table of spa/
		"/any/where":            {"/*", Anyone},
		"/orders":               {"/orders", Members},
		"/orders/":              {"/orders/*", Members},
		"/orders/5":             {"/orders/*", Members},
		"/orders/5/lines/v1.2":  {"/orders/*", Members},
		"/orders/new":           {"/orders/new", Anyone},
		"/orders/new/line":      {"/orders/*", Members},
		"/ordersheet":           {"/*", Anyone},
		"/old-4f2a.js":          {},
		"/assets/old-4f2a.js":   {},
		"/assets/old":           {},
		"/.well-known/passkeys": {},
		"/favicon.svg":          {}, // a file that is there
		"/assets/app-4f2a.js":   {},
		"/orders/logo.png":      {},
	} {
		if row, who := f.Find(path); row != want.row || who != want.who {
			t.Errorf("%s: row %q for %q, want %q for %q", path, row, who, want.row, want.who)
		}
	}
	if f.Asset(nil, nil, "/"+appFile) {
		t.Error("the file is served; it is for the server")
	}
}

func TestPagesOfSpaWithoutAFile(t *testing.T) {
	for path, want := range map[string]Access{"/": Anyone, "/dashboard": Members, "/admin/users": Members, "/admin": "", "/orders": ""} {
		if _, who := files(t).Find(path); who != want {
			t.Errorf("%s is for %q, want %q", path, who, want)
		}
	}
}

func TestDevelopmentPagesHaveTheTableOfSpa(t *testing.T) {
	d := NewDevServer(http.NotFoundHandler())
	for path, want := range map[string]Access{"/dashboard": Members, "/signin": Anyone, "/src/main.tsx": ""} {
		if _, who := d.Find(path); who != want {
			t.Errorf("%s is for %q, want %q", path, who, want)
		}
	}
}

func TestTrustedTypesPoliciesOfAnApp(t *testing.T) {
	f, err := NewFiles(with(`{"trustedTypes": ["lit-html", "angular#bundler"]}`), anyPath)
	if err != nil {
		t.Fatal(err)
	}
	if _, who := f.Find("/dashboard"); who != Members {
		t.Error("without pages of its own the app has not those of spa/")
	}
	if got := f.Policies(); !slices.Equal(got, []string{"lit-html", "angular#bundler"}) {
		t.Errorf("the policies: %q", got)
	}
	if got := files(t).Policies(); got != nil {
		t.Errorf("an app that says nothing: %q", got)
	}
}

func TestAppFileWithAByteOrderMark(t *testing.T) {
	text := `{"pages": {"anyone": ["/", "/signin"]}}`
	facts, err := readAppFile([]byte("\ufeff"+text), anyPath, func(string) bool { return false })
	if row, _ := facts.table.find("/signin"); err != nil || row != "/signin" {
		t.Errorf("%v", err)
	}
	if _, err := readAppFile([]byte("\xff\xfe{\x00"), nil, nil); err == nil || !strings.Contains(err.Error(), "gatehouse.json: the text is UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}
