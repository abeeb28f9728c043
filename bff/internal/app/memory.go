package app

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"strconv"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// LimitMemory sets Go's memory limit to nine tenths of the cgroup's: without it the
// heap grows until the kernel kills the process. GOMEMLIMIT takes precedence.
func LimitMemory(gomemlimit string, log *slog.Logger) {
	limitMemory(gomemlimit, memlimit.FromCgroup, log)
}

// The library only reads the cgroup: its Set would add a setting (AUTOMEMLIMIT) and
// log lines of its own.
func limitMemory(gomemlimit string, cgroup func() (uint64, error), log *slog.Logger) {
	if gomemlimit != "" {
		return // Go applies it
	}
	limit, err := cgroup()
	switch {
	case err == nil:
		debug.SetMemoryLimit(int64(min(limit, math.MaxInt64) / 10 * 9))
	case errors.Is(err, memlimit.ErrNoLimit), errors.Is(err, memlimit.ErrNoCgroup), errors.Is(err, memlimit.ErrCgroupsNotSupported):
	default:
		log.Warn("the memory limit of the cgroup cannot be read: memory may grow until the process is killed; set GOMEMLIMIT", "error", err)
	}
}

// memoryLimit returns Go's memory limit in the notation of GOMEMLIMIT; "" without
// one.
func memoryLimit() string {
	limit := debug.SetMemoryLimit(-1) // changes nothing
	if limit == math.MaxInt64 {
		return ""
	}
	return strconv.FormatInt(limit>>20, 10) + "MiB"
}
