package session_test

import (
	"crypto/rand"
	"runtime"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// A list that never forgot would be full one day.
func TestRevocationsAreForgotten(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	list := session.NewRevocationList(15*time.Minute, func() time.Time { return now })
	add := func(n int) {
		for range n {
			list.Add(session.Revocation{SessionID: rand.Text(), Reason: session.ReasonSignOut, At: now})
		}
	}
	for range 20 {
		add(1000)
	}
	if got := list.Len(); got != 20_000 {
		t.Errorf("%d are remembered, want all", got)
	}
	for range 24 {
		now = now.Add(time.Hour)
		add(1000)
	}
	if got := list.Len(); got > 4000 {
		t.Errorf("%d are remembered a day later, of 1000 in an hour", got)
	}
}

// BenchmarkRemembered is what each revocation of the last ACCESS_TTL weighs in
// an instance: B/revocation. A map doubles, so it depends on how full it is.
func BenchmarkRemembered(b *testing.B) {
	const n = 100_000
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var grown uint64
	for b.Loop() {
		before := heap()
		list := session.NewRevocationList(15*time.Minute, time.Now)
		for range n {
			list.Add(session.Revocation{SessionID: rand.Text(), Reason: session.ReasonSignOut})
		}
		grown += heap() - before
		runtime.KeepAlive(list)
	}
	b.ReportMetric(float64(grown)/float64(b.N)/n, "B/revocation")
}
