package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
)

// The table of reference.md is the promise; config.Variables is the fact.
func TestReferenceListsEveryVariable(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]+)` \\| (.*?) \\| .+ \\|$")
	documented := map[string]string{}
	var order []string
	for _, m := range row.FindAllStringSubmatch(read(t, "bff/docs/reference.md"), -1) {
		if _, twice := documented[m[1]]; twice {
			t.Errorf("%s has two rows", m[1])
		}
		documented[m[1]], order = m[2], append(order, m[1])
	}
	var names []string
	for _, v := range config.Variables() {
		names = append(names, v.Name)
		if want := "`" + v.Default + "`"; v.Default != "" && documented[v.Name] != want {
			t.Errorf("%s: reference.md says %q is the default, the program %s", v.Name, documented[v.Name], want)
		}
	}
	if !slices.Equal(order, names) {
		t.Errorf("reference.md has rows for\n%q\nthe program knows\n%q", order, names)
	}
}

func TestExampleEnvironmentListsEveryVariable(t *testing.T) {
	values := map[string]string{}
	var order []string
	explained := false
	for line := range strings.Lines(read(t, ".env.example")) {
		line = strings.TrimSpace(line)
		m := regexp.MustCompile(`^#?([A-Z][A-Z0-9_]+)=(.*)$`).FindStringSubmatch(line)
		switch {
		case m != nil:
			if !explained {
				t.Errorf("%s has no explanation above it", m[1])
			}
			if m[2] != "" && line[0] != '#' {
				t.Errorf("%s is set; an example that is copied as it is must change nothing", m[1])
			}
			values[m[1]], order = m[2], append(order, m[1])
		default:
			explained = strings.HasPrefix(line, "# ")
		}
	}
	var names []string
	for _, v := range config.Variables() {
		names = append(names, v.Name)
		if v.Default != "" && values[v.Name] != v.Default {
			t.Errorf("%s: the example says %q is the default, the program %q", v.Name, values[v.Name], v.Default)
		}
	}
	if !slices.Equal(order, names) {
		t.Errorf("the example has\n%q\nthe program knows\n%q", order, names)
	}
}
