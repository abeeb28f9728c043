package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Two branches took the same number, twice in a day; and one heading had none.
func TestDecisionsAreNumberedOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/decisions/*")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d decisions were found, %v", len(files), err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = string(text)
	}
	for _, mistake := range decisionMistakes(texts) {
		t.Error(mistake)
	}
}

func TestDecisionMistakesAreFound(t *testing.T) {
	t.Parallel()
	const good = "# 7. Retries\n"
	for _, c := range []struct {
		name  string
		texts map[string]string
		want  int
	}{
		{"good", map[string]string{"0007-retries.md": good, "0008-pools.md": "# 8. Pools\n\n# 9. Not the heading\n"}, 0},
		{"one number twice", map[string]string{"0007-retries.md": good, "0007-pools.md": "# 7. Pools\n"}, 1},
		{"another number in the heading", map[string]string{"0008-retries.md": good}, 1},
		{"no number in the heading", map[string]string{"0007-retries.md": "# Retries\n"}, 1},
		{"heading is not the first line", map[string]string{"0007-retries.md": "\n" + good}, 1},
		{"no number in the name", map[string]string{"retries.md": good}, 1},
		{"number of three digits", map[string]string{"007-retries.md": good}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := decisionMistakes(c.texts); len(got) != c.want {
				t.Errorf("%d mistakes, want %d: %q", len(got), c.want, got)
			}
		})
	}
}

var (
	decisionFile    = regexp.MustCompile(`^(\d{4})-[a-z0-9-]+\.md$`)
	decisionHeading = regexp.MustCompile(`^# (\d+)\. \S.*\n`)
)

// decisionMistakes reports what is wrong with files NNNN-title.md that begin
// with the heading "# N. Title".
func decisionMistakes(texts map[string]string) (out []string) {
	taken := map[string]string{}
	for file, text := range texts {
		name, heading := decisionFile.FindStringSubmatch(file), decisionHeading.FindStringSubmatch(text)
		if name == nil {
			out = append(out, file+": name it NNNN-title.md")
			continue
		}
		number := strings.TrimLeft(name[1], "0")
		switch {
		case heading == nil:
			out = append(out, file+": its first line is not # "+number+". Title")
		case heading[1] != number:
			out = append(out, file+": its heading has the number "+heading[1])
		}
		if other := taken[number]; other != "" {
			out = append(out, file+": "+other+" has the same number; take the next free one")
		}
		taken[number] = file
	}
	return out
}
