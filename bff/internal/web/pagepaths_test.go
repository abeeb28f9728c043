package web

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse-bff/gatehouse/bff/internal/web/pages"
)

func TestMistakesInPagesAreRefusedTogether(t *testing.T) {
	with := func(text string) fstest.MapFS {
		return fstest.MapFS{"index.html": {}, "orders/logo.png": {}, "gatehouse.json": {Data: []byte(text)}}
	}
	good := `"anyone": ["/", "/signin"]`
	for text, wants := range map[string][]string{
		`{`:                  {`gatehouse.json`},
		`{"page": {}}`:       {"page"},
		`{"pages": {"a":1}}`: {"a"},
		`{"pages": {"anyone": ["/"], "anyone": []}}`: {"anyone"},
		`{"pages": {}}`: {`"/" is missing`, `"/signin" must be for anyone`},
		`{"pages": {"members": ["/*"], "anyone": ["/"]}}`:                  {`"/signin" must be for anyone`},
		`{"pages": {"members": ["orders", "/a//b"], ` + good + `}}`:        {`"orders"`, `"/a//b"`},
		`{"pages": {"members": ["/a/../b", "/a*", "/*/a"], ` + good + `}}`: {`"/a/../b"`, `"/a*"`, `"/*/a"`},
		`{"pages": {"members": ["/a?b", "/a#b", "*"], ` + good + `}}`:      {`"/a?b"`, `"/a#b"`, `"*"`},
		`{"pages": {"members": ["/api", "/api/*", "/API;x", "/assets/*"], ` + good + `}}`: {`"/api" is under /api`, `"/api/*" is under /api`,
			`"/API;x" is under /api`, `"/assets/*" is under`},
		`{"pages": {"members": ["/healthz", "/.well-known/jwks.json"], ` + good + `}}`: {`"/healthz" is the server's own`, `"/.well-known/jwks.json" is the`},
		`{"pages": {"members": ["/orders/logo.png"], ` + good + `}}`:                   {`"/orders/logo.png" is a file, and files are for anyone`},
		`{"pages": {"members": ["/"], ` + good + `}}`:                                  {`"/" is there twice`},
		`{"trustedTypes": ["default", "a b", "*", "'allow-duplicates'", "x;script-src", ""]}`: {
			`"default" is not`, `"a b"`, `"*"`, `allow-duplicates`, `x;script-src`, `"" is not`},
	} {
		_, err := pages.NewFiles(with(text), CheckPagePath)
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
	if _, err := pages.NewFiles(with(`{"pages": {`+good+`}}`), CheckPagePath); err != nil {
		t.Errorf("a good one: %v", err)
	}
}
