package report

import (
	"math"
	"testing"
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
