package main

import (
	"slices"
	"testing"
	"time"
)

func TestUntilTheLast(t *testing.T) {
	at := func(ms ...int) (all []time.Time) {
		for _, n := range ms {
			all = append(all, time.UnixMilli(int64(n)))
		}
		return all
	}
	got := untilTheLast(at(100, 200), [][]time.Time{at(101, 209), at(105, 201), at(103, 204)})
	if want := []time.Duration{5 * time.Millisecond, 9 * time.Millisecond}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
