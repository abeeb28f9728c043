package route

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// value is how the value of a key is read and printed.
type value struct {
	parse  func(c *Config, n ast.Node) error
	print  func(c *Config) any // in the form of a routes file; nil where the key has to be left out
	fill   func(c *Config)     // sets the default; nil: the zero value is the default
	schema schema
}

func same(a, b any) bool { return reflect.DeepEqual(a, b) }

func text(field func(*Config) *string, s schema) value {
	s.Type = "string"
	return value{
		parse: func(c *Config, n ast.Node) (err error) {
			*field(c), err = scalar(n)
			return err
		},
		print: func(c *Config) any {
			if *field(c) == "" {
				return nil
			}
			return *field(c)
		},
		schema: s,
	}
}

// filled is v with a default that is not the zero value.
func filled(v value, fill func(*Config)) value {
	v.fill = fill
	return v
}

// texts is a list of some of known words; byDefault nil: the empty list is the
// default.
func texts(field func(*Config) *[]string, byDefault func(*Config) []string, known []string) value {
	v := value{
		parse: func(c *Config, n ast.Node) (err error) {
			*field(c), err = scalars(n)
			return err
		},
		print: func(c *Config) any {
			if len(*field(c)) == 0 {
				return nil
			}
			return *field(c)
		},
		schema: schema{Type: "array", MinItems: 1, UniqueItems: true, Items: &schema{Enum: anys(known)}},
	}
	if byDefault != nil {
		v.fill = func(c *Config) {
			if len(*field(c)) == 0 {
				*field(c) = byDefault(c)
			}
		}
	}
	return v
}

// choice is a word of a routes file, or true or false, and its value.
type choice[T comparable] struct {
	word  any
	value T
}

func oneOf[T comparable](field func(*Config) *T, choices ...choice[T]) value {
	var words []any
	var shown []string
	for _, o := range choices {
		words, shown = append(words, o.word), append(shown, fmt.Sprint(o.word))
	}
	return value{
		parse: func(c *Config, n ast.Node) error {
			s, err := scalar(n)
			if err != nil {
				return err
			}
			i := slices.Index(shown, s)
			if i < 0 {
				return fmt.Errorf("%q is not one of %s", s, strings.Join(shown, ", "))
			}
			*field(c) = choices[i].value
			return nil
		},
		print: func(c *Config) any {
			return choices[slices.IndexFunc(choices, func(o choice[T]) bool { return o.value == *field(c) })].word
		},
		schema: choiceSchema(words),
	}
}

func origins() value {
	return value{
		parse: func(c *Config, n ast.Node) error {
			list, err := scalars(n)
			for _, s := range list {
				u, err := url.Parse(s)
				if err != nil { // the text is left out: it may hold credentials
					return errors.New("not a URL; write an origin such as http://orders:8000")
				}
				c.Upstreams = append(c.Upstreams, u)
			}
			return err
		},
		print: func(c *Config) any {
			var list []string
			for _, u := range c.Upstreams {
				list = append(list, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
			}
			if list == nil {
				return nil
			}
			return list
		},
		schema: schema{Type: "array", MinItems: 1, UniqueItems: true, Items: &schema{Type: "string", Pattern: originPattern}},
	}
}

func duration(field func(*Config) *time.Duration, byDefault time.Duration) value {
	return value{
		parse: func(c *Config, n ast.Node) error {
			s, err := scalar(n)
			if err != nil {
				return err
			}
			d, err := time.ParseDuration(s)
			if err != nil || d <= 0 {
				return fmt.Errorf("%q is not a positive duration; write it like 30s or 2m", s)
			}
			*field(c) = d
			return nil
		},
		print: func(c *Config) any { return field(c).String() },
		fill: func(c *Config) {
			if *field(c) == 0 {
				*field(c) = byDefault
			}
		},
		schema: schema{Type: "string", Pattern: durationPattern, Not: &schema{Pattern: "^[^1-9]*$"}},
	}
}
