package route

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// schema is what this package uses of JSON Schema 2020-12. Patterns are in the
// part of ECMA-262 that RE2 has too.
type schema struct {
	Dialect              string     `json:"$schema,omitempty"`
	Title                string     `json:"title,omitempty"`
	Description          string     `json:"description,omitempty"`
	Type                 any        `json:"type,omitempty"` // one, or a list of them
	Enum                 []any      `json:"enum,omitempty"`
	Const                any        `json:"const,omitempty"`
	Default              any        `json:"default,omitempty"`
	Pattern              string     `json:"pattern,omitempty"`
	MaxLength            int        `json:"maxLength,omitempty"`
	Minimum              int64      `json:"minimum,omitempty"`
	Maximum              int64      `json:"maximum,omitempty"`
	MinItems             int        `json:"minItems,omitempty"`
	UniqueItems          bool       `json:"uniqueItems,omitempty"`
	Items                *schema    `json:"items,omitempty"`
	AdditionalProperties *bool      `json:"additionalProperties,omitempty"`
	Required             []string   `json:"required,omitempty"`
	Properties           properties `json:"properties,omitempty"`
	AllOf                []schema   `json:"allOf,omitempty"`
	If                   *schema    `json:"if,omitempty"`
	Then                 *schema    `json:"then,omitempty"`
	Not                  *schema    `json:"not,omitempty"`
	AnyOf                []schema   `json:"anyOf,omitempty"`
}

// properties keep their order, which a map would not.
type properties []property

type property struct {
	name   string
	schema schema
}

// MarshalJSON implements json.Marshaler.
func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i, m := range p {
		fmt.Fprintf(&out, "%c%q:", "{,"[min(i, 1)], m.name)
		if err := encoder(&out).Encode(m.schema); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// WriteSchema writes the JSON Schema of a routes file, for editors. It refuses the
// values that this package refuses, except for mistakes that take more than one
// row or a calculation to find: two rows of one path, a strip_prefix that is not
// above its path, a size over 4 EiB, two spellings of an origin, ambiguous
// characters in percent escapes.
func WriteSchema(w io.Writer) error {
	closed := new(bool)
	row := schema{Type: "object", AdditionalProperties: closed}
	for _, k := range keys {
		s := k.value.schema
		s.Description, s.Default = k.doc, k.fallback()
		row.Properties = append(row.Properties, property{k.name, s})
		if k.unset == required {
			row.Required = append(row.Required, k.name)
		}
		if k.needs != nil {
			row.AllOf = append(row.AllOf, k.conditional())
		}
	}
	out := encoder(w)
	out.SetIndent("", "  ")
	return out.Encode(schema{
		Dialect: "https://json-schema.org/draft/2020-12/schema", Title: "Routes file of Gatehouse",
		Type: "object", AdditionalProperties: closed, Required: []string{"routes"},
		Properties: properties{{"routes", schema{Type: "array", Description: "Rows: what is reachable behind Gatehouse; `[]` for nothing.", Items: &row}}},
	})
}

// encoder leaves < and > in patterns as they are.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// conditional is the rule about the keys that k needs, for a row that sets k to
// another value than the default.
func (k *key) conditional() schema {
	var used schema
	used.Required = []string{k.name}
	if byDefault := k.fallback(); byDefault != nil {
		used.Properties = properties{{k.name, schema{Not: &schema{Const: byDefault}}}}
	}
	var then schema
	for _, o := range k.needs.of {
		then.Properties = append(then.Properties, property{o.key, schema{Enum: anys(o.words)}})
		if !o.has(new(Config)) {
			then.Required = append(then.Required, o.key)
		}
	}
	return schema{If: &used, Then: &then}
}

func choiceSchema(words []any) schema {
	if _, ok := words[0].(bool); ok {
		return schema{Type: "boolean"}
	}
	return schema{Enum: words}
}

func anys(words []string) (list []any) {
	for _, w := range words {
		list = append(list, w)
	}
	return list
}

const (
	originPattern   = `^[Hh](([Tt][Tt][Pp][Ss]?)|2[Cc])://([^\s/?#@:%\\\[\]]+|\[[0-9A-Fa-f:.]+(%25[^\]]+)?\])(:[0-9]*)?/?$`
	durationPattern = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
)

// routePathSchema has the rules of checkPath: under /api, no dot segments, and
// nothing reserved, in upper or lower case.
func routePathSchema() schema {
	not := []schema{{Pattern: `/\.\.?(/|$)`}}
	for _, own := range Reserved {
		not = append(not, schema{Pattern: "^" + anyCase(own) + "(/|$)"})
	}
	return schema{Pattern: `^/api(/[A-Za-z0-9._~-]+)*$`, MaxLength: maxPathSize, Not: &schema{AnyOf: not}}
}

// canonicalPathSchema has the rules of CheckPath, except for percent escapes of
// bytes that are not ASCII.
var canonicalPathSchema = schema{
	Pattern: `^/$|^(/([!"$&-.0->@-\[\]-~]|%[0-9A-Fa-f]{2})+)+/?$`,
	Not: &schema{AnyOf: []schema{
		{Pattern: `(/|%2[Ff])\.\.?(;|%3[Bb]|/|%2[Ff]|$)`},
		{Pattern: `%([01][0-9A-Fa-f]|2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9AaEeFf])`},
	}},
}

// anyCase is a pattern for text in upper and lower case, which patterns of JSON
// Schema have no flag for.
func anyCase(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsLower(r):
			fmt.Fprintf(&b, "[%c%c]", unicode.ToUpper(r), r)
		case r == '.':
			b.WriteString(`\.`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
