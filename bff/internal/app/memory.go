package app

import (
	"errors"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// LimitMemory has the garbage collector keep the process below nine tenths of its
// cgroup's memory limit, where Go would let it grow until it is killed.
// GOMEMLIMIT, as the environment has it, wins.
func LimitMemory(gomemlimit string, log *slog.Logger) {
	limitMemory(gomemlimit, memlimit.FromCgroup, log)
}

// Only the reading of cgroups is the library's: its Set has a setting of its own
// and logs in its own words.
func limitMemory(gomemlimit string, cgroup func() (uint64, error), log *slog.Logger) {
	if gomemlimit != "" {
		return // Go has read it
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

// memoryLimit is what Go keeps the memory below, in its own way of writing; ""
// without a limit.
func memoryLimit() string {
	limit := debug.SetMemoryLimit(-1) // changes nothing
	if limit == math.MaxInt64 {
		return ""
	}
	return strconv.FormatInt(limit>>20, 10) + "MiB"
}

// releaseStart gives back what only the start needed: Go would keep most of it
// until there is load enough for a collection, and return it little by little
// then.
func releaseStart() {
	// Two collections: what lies in a sync.Pool, as goose's buffers of 8 MB do,
	// outlives the first one.
	runtime.GC()
	debug.FreeOSMemory()
}
