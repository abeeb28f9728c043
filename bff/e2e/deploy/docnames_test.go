package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// Documents named files that had moved and functions that had other names.
func TestDocumentsNameFilesAndIdentifiersThatExist(t *testing.T) {
	code := readCode(t)
	for name, text := range documents(t) {
		for _, mistake := range code.unknownNames(text) {
			t.Errorf("%s: %s", name, mistake)
		}
	}
}

// codeNames is what documents may name: files by their paths, and identifiers
// that are declared in a package, by the package's name.
type codeNames struct {
	files    map[string]bool            // and folders
	declared map[string]map[string]bool // by the last element of the folder
}

func readCode(t *testing.T) codeNames {
	t.Helper()
	code := codeNames{map[string]bool{}, map[string]map[string]bool{}}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(file, root)), "/")
		if entry.IsDir() && slices.Contains([]string{".git", "node_modules", "dist", "bin"}, entry.Name()) {
			return fs.SkipDir
		}
		code.files[name] = true
		if path.Ext(name) == ".go" && strings.HasPrefix(name, "bff/") {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return code.addFile(name, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// addFile notes the names that a Go file declares, and those of its tests.
func (code codeNames) addFile(name string, text []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	pkg := path.Base(path.Dir(name))
	names := code.declared[pkg]
	if names == nil {
		names = map[string]bool{}
		code.declared[pkg] = names
	}
	for _, decl := range file.Decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = true
				return false
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, id := range n.Names {
					names[id.Name] = true
				}
			case *ast.Field:
				for _, id := range n.Names {
					names[id.Name] = true
				}
			}
			return true
		})
	}
	return nil
}

var (
	pathName  = regexp.MustCompile(`^(?:[\w.*-]+/)*[\w.*-]+/?$`)
	ownFolder = regexp.MustCompile(`^(?:bff|internal|scripts|spa|\.ci|\.github)/`)
	qualified = regexp.MustCompile(`^([a-z]\w*)\.([A-Za-z]\w*)(?:\.([A-Za-z]\w*))?(?:\(\))?$`)
)

// unknownNames reports the words in code spans of text that look like a path of
// this repository or an identifier of one of its packages, and are neither.
func (code codeNames) unknownNames(text string) (out []string) {
	for _, span := range codeSpan.FindAllString(codeBlock.ReplaceAllString(text, ""), -1) {
		for _, word := range strings.Fields(strings.Trim(span, "`")) {
			word = strings.TrimPrefix(word, "./")
			switch m := qualified.FindStringSubmatch(word); {
			case pathName.MatchString(word) && (ownFolder.MatchString(word) || path.Ext(word) == ".go"):
				if !code.hasFile(strings.TrimSuffix(word, "/")) {
					out = append(out, "there is no file or folder "+word)
				}
			case m != nil && code.declared[m[1]] != nil && m[2] != "js":
				for _, name := range m[2:] {
					if name != "" && !code.declared[m[1]][name] {
						out = append(out, word+": package "+m[1]+" declares no "+name)
					}
				}
			}
		}
	}
	return out
}

// hasFile looks for a path from the root, from bff or from bff/internal, and
// for a name without a folder anywhere. A star stands for part of a name.
func (code codeNames) hasFile(name string) bool {
	for file := range code.files {
		for _, above := range []string{"", "bff/", "bff/internal/"} {
			if matched, err := path.Match(above+name, file); err == nil && matched {
				return true
			}
		}
		if !strings.Contains(name, "/") && path.Base(file) == name {
			return true
		}
	}
	return false
}

func TestUnknownNamesAreFound(t *testing.T) {
	code := codeNames{map[string]bool{"bff/internal/web/routes.go": true, "bff/internal/web": true, "scripts/run-suites": true, "bff/main.go": true}, map[string]map[string]bool{}}
	if err := code.addFile("bff/internal/web/routes.go", []byte("package web\ntype Gate struct{ Rows []string }\nfunc (g Gate) Check() {}\nfunc decide() {}\nconst Most = 3\n")); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"`bff/internal/web/routes.go`, `web/routes.go`, `routes.go`, `internal/web`, `web/*.go`":                           "",
		"`scripts/run-suites test-go`, `go test ./bff/internal/web`, `bff/main.go`":                                        "",
		"`web.Gate`, `web.decide`, `web.Gate.Check`, `web.Gate.Rows`, `web.Most`, `web.decide()`":                          "",
		"`http.Cookie`, `redis.call`, `web.js`, `web.js.gz`, `example.com`, `POST /bff/x?y`, `a/b`, web.Nothing, bff/gone": "",
		"```go\nweb.Nothing() // `web.Nothing`\n```":                                                                       "",
		"`web/gone.go`":                    "no file or folder web/gone.go",
		"`gone.go`":                        "no file or folder gone.go",
		"`go test -v ./bff/internal/gone`": "no file or folder bff/internal/gone",
		"`scripts/gone`":                   "no file or folder scripts/gone",
		"`internal/web/gone_*.go`":         "no file or folder internal/web/gone_*.go",
		"`web.Nothing`":                    "package web declares no Nothing",
		"`web.Gate.Nothing`":               "package web declares no Nothing",
	} {
		got := code.unknownNames(text)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s\n  %q, want %q", text, got, want)
		}
	}
}
