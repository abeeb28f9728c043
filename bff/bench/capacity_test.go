package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOnPaper(t *testing.T) {
	u := UnitCosts{PerCore: 5000, Refresh: 25, Stream: Line{20, 5}, Session: 700}
	unknown, noise := u, u
	unknown.PerCore = 0
	noise.Refresh, noise.Stream = 0, Line{-8, 1}
	for _, c := range []struct {
		name      string
		costs     UnitCosts
		instances int
		want      Capacity
	}{
		{"too few instances", u, 1, Capacity{1, 10_000, 40_000, wallInstances, 9_000_000, 4000, 7e8}},
		{"as much as Redis", u, 4, Capacity{4, 40_000, 40_000, wallRedis, 36_000_000, 2500, 7e8}},
		{"more than Redis", u, 16, Capacity{16, 160_000, 40_000, wallRedis, 36_000_000, 1000, 7e8}},
		{"instances not measured", unknown, 1, Capacity{1, 0, 40_000, "", 36_000_000, 4000, 7e8}},
		{"no cost was seen", noise, 4, Capacity{4, 40_000, 0, "", 0, 0, 7e8}},
	} {
		if got := OnPaper(c.costs, c.instances); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want Line
	}{
		{[]float64{1, 4, 16}, []float64{25, 40, 100}, Line{20, 5}},
		{[]float64{1, 4, 16}, []float64{7, 7, 7}, Line{7, 0}},
		{[]float64{0, 1, 2}, []float64{0, 3, 3}, Line{0.5, 1.5}}, // between them
	} {
		got := FitLine(c.x, c.y)
		if math.Abs(got.Base-c.want.Base) > 1e-9 || math.Abs(got.Each-c.want.Each) > 1e-9 {
			t.Errorf("through %v: %+v, want %+v", c.y, got, c.want)
		}
	}
	if got := (Line{20, 5}).at(4); got != 40 {
		t.Errorf("at 4 it is %v", got)
	}
}

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

// A report must not claim what a run did not find out.
func TestScaleSaysWhatIsNotKnown(t *testing.T) {
	for _, c := range []struct {
		perCore     float64
		want, never string
	}{{5000, "10000", "–"}, {0, "–", "10000"}} {
		u := UnitCosts{PerCore: c.perCore, Refresh: 25, Stream: Line{20, 5}, Session: 700}
		var out strings.Builder
		(&Scale{Paper: []Capacity{OnPaper(u, 1)}}).print(&out)
		if text := out.String(); !strings.Contains(text, c.want) || strings.Contains(text, c.never) {
			t.Errorf("with %v of a core:\n%s", c.perCore, text)
		}
	}
	var out strings.Builder
	if (*Scale)(nil).print(&out); out.Len() > 0 {
		t.Errorf("a section that did not run says %q", &out)
	}
}
