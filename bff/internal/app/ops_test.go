package app

import (
	"testing"
	"time"
)

// Balancers that probe every 30 seconds counted as people, and an instance ended
// without the grace that its operator had made long enough for them.
func TestWhoProbesSeldomIsWaitedForToo(t *testing.T) {
	for every, want := range map[time.Duration]bool{2 * time.Second: true, 30 * time.Second: true, time.Hour: false} {
		now := time.Now()
		h := &health{now: func() time.Time { return now }}
		h.away()
		if h.watched() {
			t.Errorf("%v: one question is a person", every)
		}
		now = now.Add(every)
		h.away()
		now = now.Add(min(every, time.Minute) - 1)
		if h.watched() != want {
			t.Errorf("%v: watched %v", every, h.watched())
		}
		now = now.Add(time.Minute)
		if h.watched() {
			t.Errorf("%v: watched for ever", every)
		}
	}
}
