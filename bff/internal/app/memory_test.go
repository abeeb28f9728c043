package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestMemoryLimitOfTheCgroup(t *testing.T) {
	const own = 1 << 40
	before := debug.SetMemoryLimit(own)
	defer debug.SetMemoryLimit(before)
	for name, c := range map[string]struct {
		gomemlimit string
		limit      uint64
		err        error
		want       int64
		warns      bool
	}{
		"a limit":                  {"", 512 << 20, nil, (512 << 20) / 10 * 9, false},
		"more than Go can count":   {"", math.MaxUint64, nil, math.MaxInt64 / 10 * 9, false},
		"an explicit GOMEMLIMIT":   {"200MiB", 512 << 20, nil, own, false},
		"GOMEMLIMIT=off":           {"off", 512 << 20, nil, own, false},
		"no limit":                 {"", 0, memlimit.ErrNoLimit, own, false},
		"no cgroup":                {"", 0, fmt.Errorf("wrapped: %w", memlimit.ErrNoCgroup), own, false},
		"another operating system": {"", 0, memlimit.ErrCgroupsNotSupported, own, false},
		"a cgroup that is closed":  {"", 0, errors.New("permission denied"), own, true},
	} {
		debug.SetMemoryLimit(own)
		var log bytes.Buffer
		limitMemory(c.gomemlimit, func() (uint64, error) { return c.limit, c.err }, slog.New(slog.NewTextHandler(&log, nil)))
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("%s: the limit is %d, want %d", name, got, c.want)
		}
		if warned := strings.Contains(log.String(), "set GOMEMLIMIT"); warned != c.warns {
			t.Errorf("%s: it logged %q", name, log.String())
		}
	}
	debug.SetMemoryLimit(460<<20 + 1)
	if got := memoryLimit(); got != "460MiB" {
		t.Errorf("460 MiB are %q", got)
	}
	debug.SetMemoryLimit(math.MaxInt64)
	if got := memoryLimit(); got != "" {
		t.Errorf("without a limit it is %q", got)
	}
}
