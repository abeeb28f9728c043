package app

import (
	"runtime"
	"runtime/debug"
)

// releaseStart gives back what only the start needed: Go would keep most of it
// until there is load enough for a collection, and return it little by little
// then.
func releaseStart() {
	// Two collections: what lies in a sync.Pool, as goose's buffers of 8 MB do,
	// outlives the first one.
	runtime.GC()
	debug.FreeOSMemory()
}
