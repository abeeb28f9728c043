package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteText writes a line for each finding, with its fix below it, and the totals at
// the end.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	states, names := 0, 0
	for _, f := range r {
		states, names = max(states, len(f.State.words())), max(names, len(f.Check))
	}
	for _, f := range r {
		fmt.Fprintf(&b, "%-*s  %-*s  %s\n", states, f.State.words(), names, f.Check, oneLine(f.Found))
		if f.Fix != "" {
			fmt.Fprintf(&b, "%*s  fix: %s\n", states, "", oneLine(f.Fix))
		}
	}
	fmt.Fprintf(&b, "\n%s: %d ok, %s, %s, %d could not be asked\n",
		Plural(len(r), "check"), r.count(OK), Plural(r.count(Warning), "warning"), Plural(r.count(Problem), "problem"), r.count(Unknown))
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if r == nil {
		r = Report{}
	}
	return out.Encode(struct {
		OK       bool   `json:"ok"`
		Problems int    `json:"problems"`
		Warnings int    `json:"warnings"`
		Checks   Report `json:"checks"`
	}{r.Problems() == 0, r.Problems(), r.count(Warning), r})
}

func (s State) words() string { return strings.ReplaceAll(string(s), "_", " ") }

// oneLine replaces line breaks and control characters: some texts come from servers,
// and could forge a finding with a line break, or colour the terminal with an escape
// sequence.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Plural formats "1 node", "2 nodes".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Bytes formats a number of bytes for people.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB", "PiB"}
	for len(names) > 1 && value >= unit {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %s", value, names[0])
}
