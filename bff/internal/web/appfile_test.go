package web

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// with is an app that says this of itself.
func with(text string) fstest.MapFS {
	app := maps.Clone(builtApp)
	app["orders/logo.png"] = &fstest.MapFile{}
	app[appFile] = &fstest.MapFile{Data: []byte(text)}
	return app
}

func TestPagesOfAnAppOfOnesOwn(t *testing.T) {
	f, err := NewFiles(with(`{"pages": {
		"anyone": ["/", "/signin", "/login", "/*", "/orders/new"], "members": ["/orders", "/orders/*"]
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		row string
		who access
	}{
		"/":                     {"/", anyone},
		"/login":                {"/login", anyone},
		"/dashboard":            {"/*", anyone}, // not the table of spa/
		"/any/where":            {"/*", anyone},
		"/orders":               {"/orders", members},
		"/orders/":              {"/orders/*", members},
		"/orders/5":             {"/orders/*", members},
		"/orders/5/lines/v1.2":  {"/orders/*", members},
		"/orders/new":           {"/orders/new", anyone},
		"/orders/new/line":      {"/orders/*", members},
		"/ordersheet":           {"/*", anyone},
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
	for path, want := range map[string]access{"/": anyone, "/dashboard": members, "/admin/users": members, "/admin": "", "/orders": ""} {
		if _, who := files(t).Find(path); who != want {
			t.Errorf("%s is for %q, want %q", path, who, want)
		}
	}
}

func TestMistakesInPagesAreRefusedTogether(t *testing.T) {
	good := `"anyone": ["/", "/signin"]`
	for text, wants := range map[string][]string{
		`{`:                  {appFile},
		`{"page": {}}`:       {"page"},
		`{"pages": {"a":1}}`: {"a"},
		`{"pages": {"anyone": ["/"], "anyone": []}}`: {"anyone"},
		`{"pages": {}}`: {`"/" is missing`, `"/signin" must be for anyone`},
		`{"pages": {"members": ["/*"], "anyone": ["/"]}}`:                  {`"/signin" must be for anyone`},
		`{"pages": {"members": ["orders", "/a//b"], ` + good + `}}`:        {`"orders"`, `"/a//b"`},
		`{"pages": {"members": ["/a/../b", "/a*", "/*/a"], ` + good + `}}`: {`"/a/../b"`, `"/a*"`, `"/*/a"`},
		`{"pages": {"members": ["/a?b", "/a#b", "*"], ` + good + `}}`:      {`"/a?b"`, `"/a#b"`, `"*"`},
		`{"pages": {"members": ["/api", "/api/*", "/API;x", "/assets/*"], ` + good + `}}`: {`"/api" is under /api or`, `"/api/*" is under /api or`,
			`"/API;x" is under /api or`, `"/assets/*" is under`},
		`{"pages": {"members": ["/healthz", "/.well-known/jwks.json"], ` + good + `}}`: {`"/healthz" is the server's own`, `"/.well-known/jwks.json" is the`},
		`{"pages": {"members": ["/orders/logo.png"], ` + good + `}}`:                   {`"/orders/logo.png" is a file, and files are for anyone`},
		`{"pages": {"members": ["/"], ` + good + `}}`:                                  {`"/" is there twice`},
		`{"trustedTypes": ["default", "a b", "*", "'allow-duplicates'", "x;script-src", ""]}`: {
			`"default" is no`, `"a b"`, `"*"`, `allow-duplicates`, `x;script-src`, `"" is no`},
	} {
		_, err := NewFiles(with(text))
		if err == nil {
			t.Errorf("%s was taken", text)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nwant %s", text, err, want)
			}
		}
	}
	if _, err := NewFiles(with(`{"pages": {` + good + `}}`)); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestDevelopmentPagesHaveTheTableOfSpa(t *testing.T) {
	d := NewDevPages(http.NotFoundHandler())
	for path, want := range map[string]access{"/dashboard": members, "/signin": anyone, "/src/main.tsx": ""} {
		if _, who := d.Find(path); who != want {
			t.Errorf("%s is for %q, want %q", path, who, want)
		}
	}
}

func TestTrustedTypesPoliciesOfAnApp(t *testing.T) {
	f, err := NewFiles(with(`{"trustedTypes": ["lit-html", "angular#bundler"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, who := f.Find("/dashboard"); who != members {
		t.Error("without pages of its own the app has not those of spa/")
	}
	own := newSecurityHeaders(false, false, f.Policies()).page
	if own != strings.TrimSuffix(pageCSP, "'none'")+"lit-html angular#bundler" {
		t.Errorf("the policy: %s", own)
	}
	if strict := newSecurityHeaders(false, false, files(t).Policies()).page; strict != pageCSP {
		t.Errorf("an app that says nothing: %s", strict)
	}
}

func TestAppFileWithAByteOrderMark(t *testing.T) {
	text := `{"pages": {"anyone": ["/", "/signin"]}}`
	facts, err := readAppFile([]byte("\ufeff"+text), func(string) bool { return false })
	if row, _ := facts.table.find("/signin"); err != nil || row != "/signin" {
		t.Errorf("%v", err)
	}
	if _, err := readAppFile([]byte("\xff\xfe{\x00"), nil); err == nil || !strings.Contains(err.Error(), "gatehouse.json: the text is UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}
