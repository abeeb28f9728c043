package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// retired: words that the product's files no longer use, in any letter case,
// and the words that readers search for instead.
var retired = []struct{ word, instead string }{
	{`ro{2}ms?`, "package; space, where there is some"},
	{`late[T]raffic`, "parentGrace"},
	{`[Ss]ettles[A]t`, "ReissueUntil"},
	{`patient[C]onn`, "stallConn, stallTimeout"},
	{`framed[C]onn|spoile[r]`, "checkedConn, poison"},
	{`visit[B]ehind`, "infoFromRequest"},
}

func TestRetiredWordsStayAway(t *testing.T) {
	t.Parallel()
	files := trackedFiles(t)
	if len(files) < 300 {
		t.Fatalf("only %d files are tracked", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			continue // moved or removed, and not committed yet
		}
		for _, mistake := range retiredWords(text) {
			t.Errorf("%s:%s", file, mistake)
		}
	}
}

// trackedFiles lists the files that git knows, by path from the root.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		if _, statErr := os.Stat("../.git"); os.IsNotExist(statErr) {
			t.Skip("this copy of the source has no git repository")
		}
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

// retiredWords reports each line of text with a retired word as a whole word.
// Files with a NUL byte are pictures and the like.
func retiredWords(text []byte) (out []string) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	for _, r := range retired {
		for _, at := range regexp.MustCompile(`(?i)\b(?:`+r.word+`)\b`).FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
			out = append(out, fmt.Sprintf("%d: %q is retired; write %s", line, text[at[0]:at[1]], r.instead))
		}
	}
	return out
}

func TestRetiredWordsAreFound(t *testing.T) {
	t.Parallel()
	word := "ro" + "om"
	for text, want := range map[string]int{
		"one " + word + "\nand the " + strings.ToUpper(word) + "S": 2,
		"a mush" + word + ", " + word + "y":                        0,
		"\x89PNG\x00 " + word:                                      0,
		"":                                                         0,
	} {
		if got := retiredWords([]byte(text)); len(got) != want {
			t.Errorf("%q: %q, want %d", text, got, want)
		}
	}
}
