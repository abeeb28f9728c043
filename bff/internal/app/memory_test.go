package app

import (
	"runtime"
	"sync"
	"testing"
)

func TestReleaseStart(t *testing.T) {
	const size = 64 << 20
	held := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	before := held()
	var pool sync.Pool
	func() {
		buf := make([]byte, size)
		for i := range buf {
			buf[i] = 1
		}
		pool.Put(&buf)
	}()
	if grown := held() - before; int64(grown) < size/2 {
		t.Fatalf("the heap has grown by %d bytes only", int64(grown))
	}
	releaseStart()
	if left := int64(held()) - int64(before); left > size/4 {
		t.Errorf("%d bytes are still held", left)
	}
	if pool.Get() != nil {
		t.Error("the pool is not empty")
	}
}
