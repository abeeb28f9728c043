package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documents gives README.md and what is in bff/docs, by path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{"README.md": read(t, "README.md")}
	err := filepath.WalkDir("../../docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
			all["bff/"+name] = read(t, "bff/"+name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDocumentsLinkToWhatExists(t *testing.T) {
	all := documents(t)
	for name, text := range all {
		for _, target := range linkTargets(text) {
			file, fragment, anchored := strings.Cut(target, "#")
			if file != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
				if _, err := os.Stat(filepath.Join("../../..", file)); err != nil {
					t.Errorf("%s links to %s: %v", name, target, err)
					continue
				}
			} else {
				file = name
			}
			if anchored && !slices.Contains(anchors(all[file]), fragment) {
				t.Errorf("%s links to %s; %s has the anchors\n%q", name, target, file, anchors(all[file]))
			}
		}
	}
}

var (
	codeBlock = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.+?)[ #]*$`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	noAnchor  = regexp.MustCompile(`[^\p{L}\p{M}\p{N}\p{Pc} -]`)
)

// linkTargets gives what a document links to within the repository.
func linkTargets(text string) (out []string) {
	text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "``")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if target := m[1] + m[2]; !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
			out = append(out, target)
		}
	}
	return out
}

// anchors gives the anchors that GitHub makes of headings: lower case, without
// punctuation, hyphens for spaces, and -1, -2 for those that come again.
func anchors(text string) (out []string) {
	times := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		plain := noAnchor.ReplaceAllString(strings.ToLower(linkText.ReplaceAllString(m[1], "$1")), "")
		anchor := strings.ReplaceAll(plain, " ", "-")
		if n := times[anchor]; n > 0 {
			out = append(out, anchor+"-"+strconv.Itoa(n))
		} else {
			out = append(out, anchor)
		}
		times[anchor]++
	}
	return out
}

func TestLinksAndAnchorsAreRead(t *testing.T) {
	const text = "# In `spa/`, with *one* file\n[a](b.md#c) and [`d`](#e), not `[x](y.md)` nor [web](https://example.com/#f)\n" +
		"```sh\n# no heading\n[x](z.md)\n```\n## Redis is away\n<img src=\"p.png\"> <a href=\"q.md\">q</a>\n### Redis is away\n## A_b – [c](d.md)!\n"
	if got, want := linkTargets(text), []string{"b.md#c", "#e", "p.png", "q.md", "d.md"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
	want := []string{"in-spa-with-one-file", "redis-is-away", "redis-is-away-1", "a_b--c"}
	if got := anchors(text); !slices.Equal(got, want) {
		t.Errorf("anchors %q, want %q", got, want)
	}
}

// The document said that problems are written in one place when the listener
// wrote some as well.
func TestArchitectureNamesEveryPlaceThatWritesProblems(t *testing.T) {
	row := regexp.MustCompile(`(?m)^\| errors as problem\+json \|(.*?)\|`).FindStringSubmatch(read(t, "bff/docs/architecture.md"))
	if row == nil {
		t.Fatal("architecture.md has no row for errors as problem+json")
	}
	var documented, writers []string
	for _, m := range regexp.MustCompile("`([a-z/]+\\.go)`").FindAllStringSubmatch(row[1], -1) {
		documented = append(documented, m[1])
	}
	err := filepath.WalkDir("../../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../internal/")
		text, err := os.ReadFile(path)
		// The demo API is a backend; its answers are its own.
		if strings.Contains(string(text), "application/problem+json") && !strings.HasPrefix(name, "demoapi/") {
			writers = append(writers, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(documented); !slices.Equal(documented, writers) {
		t.Errorf("architecture.md names %q, problems are written in %q", documented, writers)
	}
}

// A document that names a test promises it.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range function.FindAllStringSubmatch(string(text), -1) {
			declared[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	mention := regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z]\\w+)`")
	for name, text := range documents(t) {
		for _, m := range mention.FindAllStringSubmatch(text, -1) {
			if !declared[m[1]] {
				t.Errorf("%s names %s, which does not exist", name, m[1])
			}
		}
	}
}
