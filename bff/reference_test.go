package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"
)

// The table of reference.md is the promise; the verbs are the fact.
func TestReferenceListsEveryVerb(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	_, commands, found := bytes.Cut(text, []byte("\n## Commands\n"))
	if !found {
		t.Fatal("reference.md has no section Commands")
	}
	var documented, known []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)").FindAllSubmatch(commands, -1) {
		documented = append(documented, string(m[1]))
	}
	for _, v := range verbs() {
		known = append(known, v.name)
	}
	if documented = slices.Compact(documented); !slices.Equal(documented, known) {
		t.Errorf("reference.md has rows for\n%q\nthe program knows\n%q", documented, known)
	}
}
