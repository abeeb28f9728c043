package route

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func duration(n ast.Node) (time.Duration, error) {
	s, err := text(n)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a positive duration; write it like 30s or 2m", s)
	}
	return d, nil
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// size reads bytes: 10MiB, 512KiB, 10MB, 4096, or none.
func size(n ast.Node) (int64, error) {
	s, err := text(n)
	if err != nil {
		return 0, err
	}
	if s == "none" {
		return NoLimit, nil
	}
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(s, unit.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || v <= 0 || v > (1<<62)/unit.bytes {
			break
		}
		return v * unit.bytes, nil
	}
	return 0, fmt.Errorf("%q is not a size; write it like 10MiB, or none for no limit", s)
}
