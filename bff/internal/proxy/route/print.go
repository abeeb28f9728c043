package route

import (
	"bytes"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
)

// Print writes the table as a routes file that leads to the same table, with
// every default written out.
func (t *Table) Print(w io.Writer) error {
	if len(t.all) == 0 {
		_, err := io.WriteString(w, "routes: []\n")
		return err
	}
	var out bytes.Buffer
	out.WriteString("routes:\n")
	for _, rt := range t.all {
		indent := "  - "
		for _, k := range keys {
			v := k.print(&rt.Config)
			if v == nil {
				continue
			}
			text, err := yaml.MarshalWithOptions(v, yaml.Flow(true))
			if err != nil {
				return fmt.Errorf("print routes: %w", err)
			}
			fmt.Fprintf(&out, "%s%s: %s\n", indent, k.name, bytes.TrimSpace(text))
			indent = "    "
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

func wordOf(name string, c *Config) string { return fmt.Sprint(keyNamed(name).print(c)) }

// String returns the word of the routes file.
func (a Access) String() string { return wordOf("access", &Config{Access: a}) }

// String returns the word of the routes file.
func (m IdentityMode) String() string { return wordOf("identity", &Config{Identity: m}) }
