package route

import (
	"maps"
	"slices"
	"strings"
)

// Change is what a reload does to the row of a path.
type Change struct {
	Path string
	Keys []string // of a changed row: what is different, by the routes file's keys
}

func (c Change) String() string {
	if len(c.Keys) == 0 {
		return c.Path
	}
	return c.Path + " (" + strings.Join(c.Keys, ", ") + ")"
}

// Changes is the difference between two tables, in the order of the paths.
type Changes struct{ Added, Removed, Changed []Change }

// ChangesSince is the difference between an older table and t.
func (t *Table) ChangesSince(old *Table) (c Changes) {
	for _, path := range slices.Sorted(maps.Keys(t.routes)) {
		rt, before := t.routes[path], old.routes[path]
		if rt.own {
			continue
		}
		if before == nil {
			c.Added = append(c.Added, Change{Path: path})
			continue
		}
		if keys := differences(&before.Config, &rt.Config); len(keys) > 0 {
			c.Changed = append(c.Changed, Change{path, keys})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(old.routes)) {
		if t.routes[path] == nil {
			c.Removed = append(c.Removed, Change{Path: path})
		}
	}
	return c
}

// differences names the keys in which two rows differ.
func differences(a, b *Config) (names []string) {
	for _, k := range keys {
		if !same(k.print(a), k.print(b)) {
			names = append(names, k.name)
		}
	}
	return names
}
