package route

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// The table of reference.md is written by hand; its rows are those of keys.
func TestReferenceListsEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Routes file\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("reference.md has no section Routes file")
	}
	var documented, known []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	for _, k := range keys {
		byDefault := k.unset
		if v := k.fallback(); v != nil {
			text, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
			if err != nil {
				t.Fatal(err)
			}
			byDefault = "`" + string(bytes.TrimSpace(text)) + "`"
		}
		known = append(known, fmt.Sprintf("| `%s` | %s | %s |", k.name, byDefault, k.doc))
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("reference.md:\n%s", diff)
	}
}
