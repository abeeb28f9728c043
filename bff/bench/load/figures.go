package load

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// AtOnce runs do for 0 to n-1 side by side and waits for all of them.
func AtOnce(n int, do func(i int) error) error {
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { failed[i] = do(i) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// quantile is the nearest rank; times must be sorted and not empty.
func quantile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

// Spread is what a latency figure consists of, in microseconds.
type Spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_us"`
	P99   float64 `json:"p99_us"`
}

func SpreadOf(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	slices.Sort(times)
	return Spread{len(times), Micros(quantile(times, 0.5)), Micros(quantile(times, 0.99))}
}

func Micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
