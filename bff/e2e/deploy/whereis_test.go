package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// whereRow is a line of architecture.md's table Where is: a subject, a file
// below bff/internal or the root, identifiers or literals in it.
var whereRow = regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([^`|]+\\.[a-z]+)` \\| ([^|]+) \\|$")

func TestArchitectureSaysWhereThingsAre(t *testing.T) {
	_, section, found := strings.Cut(read(t, "bff/docs/architecture.md"), "\n## Where is …\n")
	if !found {
		t.Fatal("architecture.md has no section Where is …")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := whereRow.FindAllStringSubmatch(section, -1)
	if lines := strings.Count(section, "\n|") - len("ab"); len(rows) != lines || lines < 10 {
		t.Errorf("%d of %d rows can be read", len(rows), lines)
	}
	for _, row := range rows {
		text, err := os.ReadFile(filepath.Join("../../internal", row[2]))
		if os.IsNotExist(err) {
			text, err = os.ReadFile(filepath.Join(root, row[2]))
		}
		if err != nil {
			t.Errorf("%s: %v", row[1], err)
			continue
		}
		for _, missing := range missingNames(string(text), row[3]) {
			t.Errorf("%s: %s does not name %s", row[1], row[2], missing)
		}
	}
}

// missingNames lists the code spans of cell that do not occur in text as whole
// words.
func missingNames(text, cell string) (out []string) {
	spans := codeSpan.FindAllString(cell, -1)
	if len(spans) == 0 {
		return []string{"anything"}
	}
	for _, span := range spans {
		name := strings.Trim(span, "`")
		if !regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(name) + `($|\W)`).MatchString(text) {
			out = append(out, name)
		}
	}
	return out
}

func TestMissingNamesAreFound(t *testing.T) {
	const text = "const parentGrace = 15 * time.Second\nvar name = \"__Host-\" + x\n"
	for cell, want := range map[string]int{
		"`parentGrace`":                      0,
		"`parentGrace`, `__Host-`, `Second`": 0,
		"`grace`":                            1,
		"`parentGraces`, `x`":                1,
		"parentGrace":                        1,
	} {
		if got := missingNames(text, cell); len(got) != want {
			t.Errorf("%s: %q, want %d", cell, got, want)
		}
	}
}
