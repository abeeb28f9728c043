package mail

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The app has the same tables for its lists of devices, where the API answers
// with the User-Agent alone. A mail and the app must not name one browser in two
// ways.
func TestBrowsersAreThoseOfTheApp(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../spa/src/features/account/user-agent.ts")
	if err != nil {
		t.Fatal(err)
	}
	tables := tablesOfTheApp(string(source))
	programs := browsers[len(browsers)-1]
	for name, ours := range map[string]table{"BROWSERS": browsers[:len(browsers)-1], "SYSTEMS": systems} {
		var rows [][2]string
		for _, row := range ours {
			rows = append(rows, [2]string{row.pattern.String(), row.word})
		}
		if diff := cmp.Diff(tables[name], rows); diff != "" {
			t.Errorf("%s (-app +mail):\n%s", name, diff)
		}
	}
	// The app has a word for some programs; to a mail they are one.
	var known []string
	for _, row := range tables["PROGRAMS"] {
		known = append(known, namesIn(row[0])...)
	}
	ours := namesIn(programs.pattern.String())
	slices.Sort(known)
	slices.Sort(ours)
	if diff := cmp.Diff(known, ours); diff != "" {
		t.Errorf("PROGRAMS (-app +mail):\n%s", diff)
	}
}

func tablesOfTheApp(source string) map[string][][2]string {
	tables := map[string][][2]string{}
	row := regexp.MustCompile(`(?m)^  \[/(.+)/, '(.+)'\],$`)
	for _, m := range regexp.MustCompile(`(?s)const (\w+): Table = \[\n(.*?)\n\]`).FindAllStringSubmatch(source, -1) {
		for _, r := range row.FindAllStringSubmatch(m[2], -1) {
			tables[m[1]] = append(tables[m[1]], [2]string{strings.ReplaceAll(r[1], `\/`, "/"), r[2]})
		}
	}
	return tables
}

// namesIn lists the words of a pattern, without \b.
func namesIn(pattern string) []string {
	return regexp.MustCompile(`[A-Za-z-]{2,}`).FindAllString(pattern, -1)
}
