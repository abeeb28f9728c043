package load

import (
	"testing"
	"time"
)

func TestSpreadAndMedian(t *testing.T) {
	ms := func(n ...int) (all []time.Duration) {
		for _, n := range n {
			all = append(all, time.Duration(n)*time.Millisecond)
		}
		return all
	}
	if got := SpreadOf(ms(3, 1, 2)); got != (Spread{Count: 3, P50: 2000, P99: 3000}) {
		t.Errorf("%+v", got)
	}
	for want, values := range map[float64][]float64{0: nil, 5: {5}, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := Median(values); got != want {
			t.Errorf("median of %v is %v", values, got)
		}
	}
}

// A connection that sent nothing is not an answer in no time.
func TestLateAnswersHaveAWindow(t *testing.T) {
	if s, window := lateOnes([]answered{{}, {took: 5 * time.Millisecond, at: time.UnixMilli(9)}, {}}, time.UnixMilli(2)); s != (Spread{Count: 1, P50: 5000, P99: 5000}) || window != 7*time.Millisecond {
		t.Errorf("late answers: %+v within %v", s, window)
	}
}
