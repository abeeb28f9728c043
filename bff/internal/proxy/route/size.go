package route

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

const maxSize = 1 << 62

// size is a number of bytes: 10MiB, 512KiB, 10MB, 4096, or none.
func size(field func(*Config) *int64, byDefault int64) value {
	return value{
		parse: func(c *Config, n ast.Node) error {
			s, err := scalar(n)
			if err != nil {
				return err
			}
			*field(c), err = parseSize(s)
			return err
		},
		print: func(c *Config) any { return sizeText(*field(c)) },
		fill: func(c *Config) {
			if *field(c) == 0 {
				*field(c) = byDefault
			}
		},
		schema: schema{Type: []string{"string", "integer"}, Minimum: 1, Maximum: maxSize, Pattern: sizePattern()},
	}
}

func parseSize(s string) (int64, error) {
	if s == "none" {
		return NoLimit, nil
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(s, unit.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || v <= 0 || v > maxSize/unit.bytes {
			break
		}
		return v * unit.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size; write it like 10MiB, or none for no limit", s)
}

// sizeText is the shortest form that parseSize reads as n.
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

func sizePattern() string {
	var units []string
	for _, u := range sizeUnits {
		if u.suffix != "" {
			units = append(units, u.suffix)
		}
	}
	return `^(none|\+?[0-9]*[1-9][0-9]*\s*(` + strings.Join(units, "|") + `)?)$`
}
