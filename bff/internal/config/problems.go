package config

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/caarlos0/env/v11"
)

// problems are all mistakes, as one error.
type problems []error

func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (p problems) Error() string { return errors.Join(p...).Error() }

// Unwrap returns the mistakes one by one.
func (p problems) Unwrap() []error { return p }

// unreadable reports variables whose values have another type, and removes them from
// values. The error of package env has the name of the Go field.
func (p *problems) unreadable(err error, values map[string]string) {
	var all env.AggregateError
	if !errors.As(err, &all) {
		all.Errors = []error{err}
	}
	for _, err := range all.Errors {
		var wrong env.ParseError
		field, ok := reflect.StructField{}, errors.As(err, &wrong)
		if ok {
			field, ok = reflect.TypeFor[variables]().FieldByName(wrong.Name)
		}
		if !ok {
			p.addf("%v", err)
			continue
		}
		name, want := field.Tag.Get("env"), "a whole number"
		if field.Type == reflect.TypeFor[time.Duration]() {
			want = "a duration such as 90s, 15m or 24h"
		}
		p.addf("%s is %q; write %s", name, values[name], want)
		delete(values, name)
	}
}
