package route

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func routesSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	var text bytes.Buffer
	if err := WriteSchema(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), `"$id"`) {
		t.Error("the schema has an $id, and is a file beside the routes")
	}
	doc, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler() // which checks against the metaschema
	if err := compiler.AddResource("routes.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("routes.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// goccy/go-yaml takes [http://a:80] inside of braces for a mapping; the
// libraries of editors do not.
var plainOrigin = regexp.MustCompile(`([\[ ])(https?://[^\s,\]"#]+)`)

// underSchema reads a routes file as an editor does.
func underSchema(schema *jsonschema.Schema, text string) error {
	asJSON, err := yaml.YAMLToJSON(plainOrigin.ReplaceAll([]byte(text), []byte(`$1"$2"`)))
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return schema.Validate(doc)
}

// rowWith is a routes file of one row: a good one, but for the key.
func rowWith(name, value string) string {
	row := map[string]string{"path": "/api/x", "upstreams": "[http://a]"}
	switch name {
	case "forward_authorization":
		row["identity"] = "none"
	case "cross_site":
		row["identity"], row["access"] = "none", "public"
	}
	row[name] = value
	text := "routes:\n  - path: " + row["path"] + "\n"
	delete(row, "path")
	for key, v := range row {
		text += "    " + key + ": " + v + "\n"
	}
	return text
}

// The schema refuses the values that the parser refuses for a reason in the row itself.
func TestSchemaRefusesWrongValues(t *testing.T) {
	schema := routesSchema(t)
	wrong := map[string][]string{
		"path": {
			"/orders", "/apix", "/api/x/", "/api//x", "/api/../x", "/api/.", "/api/*", "/api/%61", "/api/ä", "/api/auth", "/api/admin/x", "/api/Auth", "/api/OpenAPI.yaml",
			"/api/" + strings.Repeat("x", 200), "5", "true", "", "[/api/x]", "{a: b}",
		},
		"upstreams": {
			"http://a", "[]", "[a:80]", "[ftp://a]", `["http://a:secret@b"]`, "[http://a/b]", `["http://a?b"]`, `["http://a#b"]`, `["http://"]`, `["http://a/%zz"]`, `["http://a b"]`, `["http://a:b"]`,
			"[http://a, http://a]", "[5]", "",
		},
		"strip_prefix":          {"/x", "api", "/api/", "/", "5", ""},
		"access":                {"members", "Public", "true", "[public]", ""},
		"roles":                 {"[]", "[boss]", "[admin, admin]", "admin", "[Admin]", ""},
		"methods":               {"[]", "[TRACE]", "[get]", "[GET, GET]", "GET", ""},
		"audience":              {"a b", "ä", "[a]", ""},
		"identity":              {"nobody", "JWT", "false", ""},
		"forward_cookies":       {"yes", "1", "on", "[true]", ""},
		"forward_authorization": {"yes", "1", ""},
		"cross_site":            {"true", "false", "deny", ""},
		"timeout":               {"30", "0s", "-5s", "soon", "1 m", "30S", "1d", "[30s]", ""},
		"max_body":              {"10 parsecs", "0", "-1", "0MiB", "1.5MiB", "10mib", "None", "1.5", "[1]", "true", ""},
		"health_path":           {"x", "//", "/a//b", "/../a", "/a/..", "/%2e", "/a\\b", "/a?b", `"/a#b"`, "/a%2", "/%61", "/%00", "http://a/up", ""},
	}
	for _, name := range keyNames() {
		if len(wrong[name]) == 0 {
			t.Errorf("no wrong value of %s", name)
		}
		for _, value := range wrong[name] {
			text := rowWith(name, value)
			if _, err := ParseTable([]byte(text)); err == nil {
				t.Errorf("the parser takes %s: %s", name, value)
			}
			if underSchema(schema, text) == nil {
				t.Errorf("the schema takes %s: %s", name, value)
			}
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "another key": "other: 1", "a second key": "routes: []\nother: 1", "null": "routes:", "text": "routes: x", "a list": "- a", "a row of text": "routes: [x]",
		"no path": "routes:\n  - upstreams: [http://a]\n", "no upstreams": "routes:\n  - path: /api/x\n", "an unknown key": rowWith("role", "[admin]"), "a key in capitals": rowWith("Access", "public"),
		"roles on a public row":          rowWith("roles", "[admin]") + "    access: public\n",
		"roles on an optional row":       rowWith("roles", "[admin]") + "    access: optional\n",
		"authorization beside the token": "routes:\n  - {path: /api/x, upstreams: [http://a], forward_authorization: true}\n",
		"authorization and jwt":          "routes:\n  - {path: /api/x, upstreams: [http://a], forward_authorization: true, identity: jwt}\n",
		"other sites with members":       "routes:\n  - {path: /api/x, upstreams: [http://a], cross_site: allow, identity: none}\n",
		"other sites with an identity":   "routes:\n  - {path: /api/x, upstreams: [http://a], cross_site: allow, access: public}\n",
	} {
		if _, err := ParseTable([]byte(text)); err == nil {
			t.Errorf("%s: the parser takes it", name)
		}
		if underSchema(schema, text) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

func TestSchemaTakesGoodValues(t *testing.T) {
	schema := routesSchema(t)
	good := map[string][]string{
		"path":                  {"/api", "/api/x.y/v1_~-", "/api/authors", "/api/administration", "/api/..x"},
		"upstreams":             {"[https://b:443/, h2c://c]", `["http://[::1]:8443"]`, `["HTTP://A", "http://b:"]`, `["http://bücher:80"]`},
		"strip_prefix":          {"/api", "/api/x"},
		"access":                {"member", "optional", "public"},
		"roles":                 {"[admin, user]"},
		"methods":               {"[GET, OPTIONS]"},
		"audience":              {"a:b/c", "https://orders.example", `"true"`},
		"identity":              {"jwt", "headers", "none"},
		"forward_cookies":       {"true", "false"},
		"forward_authorization": {"true", "false"},
		"cross_site":            {"refuse", "allow"},
		"timeout":               {"1m30s", "1.5h", "100ms", "+5s", "10µs", ".5s", "0h5s"},
		"max_body":              {"none", "4096", "512KiB", "10 MiB", "10MB", "4B", "010kB", `"4096"`},
		"health_path":           {"/", "/healthz/ready/", "/a;b=1"},
	}
	for _, name := range keyNames() {
		if len(good[name]) == 0 {
			t.Errorf("no good value of %s", name)
		}
		for _, value := range good[name] {
			text := rowWith(name, value)
			if _, err := ParseTable([]byte(text)); err != nil {
				t.Errorf("the parser refuses %s: %s: %v", name, value, err)
			}
			if err := underSchema(schema, text); err != nil {
				t.Errorf("the schema refuses %s: %s: %v", name, value, err)
			}
		}
	}
	escaped := regexp.MustCompile(`%[89A-Fa-f]`) // bytes that are not ASCII
	for _, p := range goodPaths {
		if err := underSchema(schema, rowWith("health_path", strconv.Quote(p))); err != nil {
			t.Errorf("the schema refuses %q: %v", p, err)
		}
	}
	for _, p := range badPaths {
		quoted, _ := json.Marshal(p)
		if underSchema(schema, rowWith("health_path", string(quoted))) == nil && !escaped.MatchString(p) {
			t.Errorf("the schema takes %q", p)
		}
	}
}

// A default that is written out changes nothing.
func TestDocumentedDefaults(t *testing.T) {
	schema := routesSchema(t)
	for _, k := range keys {
		byDefault := k.fallback()
		if k.doc == "" || (byDefault == nil) != (k.unset != "") {
			t.Errorf("%s: doc %q, default %v, in words %q", k.name, k.doc, byDefault, k.unset)
		}
		if byDefault == nil {
			continue
		}
		value, err := yaml.MarshalWithOptions(byDefault, yaml.Flow(true))
		if err != nil {
			t.Fatal(err)
		}
		text := "routes:\n  - {path: /api/x, upstreams: [http://a]}\n"
		with := fmt.Sprintf("routes:\n  - {path: /api/x, upstreams: [http://a], %s: %s}\n", k.name, bytes.TrimSpace(value))
		if c := mustParse(t, with).ChangesSince(mustParse(t, text)); len(c.Changed) > 0 {
			t.Errorf("%v", c)
		}
		if err := underSchema(schema, with); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// Routes files in documents, in manifests, and in the source text of tests.
func TestSchemaTakesEveryExampleThatTheParserTakes(t *testing.T) {
	schema := routesSchema(t)
	found := map[string]int{}
	for _, e := range examples(t) {
		if _, err := ParseTable([]byte(e.text)); err != nil {
			if e.kind != ".go" {
				t.Errorf("%s: the parser refuses an example: %v", e.file, err)
			}
			continue
		}
		found[e.kind]++
		if err := underSchema(schema, e.text); err != nil {
			t.Errorf("%s: %v in\n%s", e.file, err, e.text)
		}
	}
	if found[".md"] < 2 || found[".yaml"] < 2 || found[".yml"] < 1 || found[".go"] < 15 {
		t.Errorf("examples that were found: %v", found)
	}
}

type example struct{ file, kind, text string }

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

func examples(t *testing.T) (all []example) {
	t.Helper()
	const root = "../../../.."
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		kind := filepath.Ext(file)
		if err != nil || d.IsDir() || kind != ".md" && kind != ".yaml" && kind != ".yml" && kind != ".go" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("routes:")) {
			return err
		}
		for _, found := range routesIn(kind, string(text)) {
			// Addresses that tests put in: their servers choose the ports.
			all = append(all, example{file, kind, strings.ReplaceAll(found, "[UP]", "[http://up:1]")})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func routesIn(kind, text string) (found []string) {
	add := func(text string) {
		if strings.HasPrefix(text, "routes:") || strings.Contains(text, "\nroutes:") {
			found = append(found, text)
		}
	}
	switch kind {
	case ".md":
		for _, m := range yamlBlock.FindAllStringSubmatch(text, -1) {
			add(m[1])
		}
	case ".yaml":
		add(text)
	case ".yml": // inside of a Compose file
		var compose struct {
			Configs map[string]struct{ Content string }
		}
		if yaml.Unmarshal([]byte(text), &compose) == nil {
			for _, c := range compose.Configs {
				add(c.Content)
			}
		}
	case ".go":
		file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
		if err != nil {
			return nil
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					add(s)
				}
			}
			return true
		})
	}
	return found
}
