package route

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
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
		if keys := differences(textOf(before.Config), textOf(rt.Config)); len(keys) > 0 {
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

// rowText is a Config as a routes file has it, with every default filled in. What
// cannot be written out, because only the missing key says it, is left away.
type rowText struct {
	Path           string   `yaml:"path"`
	Upstreams      []string `yaml:"upstreams,flow"`
	StripPrefix    string   `yaml:"strip_prefix,omitempty"`
	Access         string   `yaml:"access"`
	Roles          []string `yaml:"roles,flow,omitempty"`
	Methods        []string `yaml:"methods,flow"`
	Audience       string   `yaml:"audience"`
	Identity       string   `yaml:"identity"`
	ForwardCookies bool     `yaml:"forward_cookies"`
	ForwardAuth    bool     `yaml:"forward_authorization"`
	CrossSite      string   `yaml:"cross_site"`
	Timeout        string   `yaml:"timeout"`
	MaxBody        string   `yaml:"max_body"`
	HealthPath     string   `yaml:"health_path,omitempty"`
}

func textOf(r Config) rowText {
	var upstreams []string
	for _, u := range r.Upstreams {
		upstreams = append(upstreams, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	return rowText{
		Path: r.Path, Upstreams: upstreams, StripPrefix: r.StripPrefix,
		Access: r.Access.String(), Roles: append([]string(nil), r.Roles...), Methods: r.Methods,
		Audience: r.Audience, Identity: r.Identity.String(), ForwardCookies: r.ForwardCookies,
		ForwardAuth: r.ForwardAuthorization, CrossSite: crossSiteWord(r.AllowCrossSite), Timeout: r.Timeout.String(), MaxBody: sizeText(r.MaxBody), HealthPath: r.HealthPath,
	}
}

// differences names the keys in which two rows differ.
func differences(a, b rowText) (keys []string) {
	before, after := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range before.NumField() {
		if !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			key, _, _ := strings.Cut(before.Type().Field(i).Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
	}
	return keys
}

// Print writes the table as a routes file that leads to the same table, with
// every default written out.
func (t *Table) Print(w io.Writer) error {
	file := struct {
		Routes []rowText `yaml:"routes"`
	}{[]rowText{}}
	for _, r := range t.all {
		file.Routes = append(file.Routes, textOf(r.Config))
	}
	text, err := yaml.MarshalWithOptions(file, yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("print routes: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// String is the word that a routes file has for it.
func (a Access) String() string { return [...]string{"member", "optional", "public"}[a] }

// String is the word that a routes file has for it.
func (m IdentityMode) String() string { return [...]string{"jwt", "headers", "none"}[m] }

var crossSiteWords = [...]string{"refuse", "allow"}

func crossSiteWord(allow bool) string {
	if allow {
		return crossSiteWords[1]
	}
	return crossSiteWords[0]
}

// sizeText is the shortest form that size reads as n.
func sizeText(n int64) string {
	if n == NoLimit {
		return "none"
	}
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		for _, u := range sizeUnits {
			if u.suffix == unit && n%u.bytes == 0 {
				return strconv.FormatInt(n/u.bytes, 10) + unit
			}
		}
	}
	return strconv.FormatInt(n, 10)
}
