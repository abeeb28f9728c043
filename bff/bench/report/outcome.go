package report

import (
	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// Scenario is one load; every contender gets the same.
type Scenario struct {
	Name        string `json:"name"`
	Path        string `json:"path"`
	Length      int    `json:"bytes"`
	Connections int    `json:"connections"`
}

var Scenarios = []Scenario{
	{"1 KiB, 64 connections", rivals.SmallPath, rivals.Small, load.MaxConnections},
	{"1 KiB, 1 connection", rivals.SmallPath, rivals.Small, 1},
	{"64 KiB, 64 connections", rivals.LargePath, rivals.Large, load.MaxConnections},
	{"64 KiB, 1 connection", rivals.LargePath, rivals.Large, 1},
}

// Round is one measurement of one contender.
type Round struct {
	load.Sample
	CPU  float64 `json:"cpu_us_per_request"` // of the proxy, warm-up included
	Busy float64 `json:"busy"`               // how much of its core it used
}

// Rounds are a contender's in one scenario; the n-th of each contender were
// measured one right after the other.
type Rounds struct {
	Contender string  `json:"contender"`
	Rounds    []Round `json:"rounds"`
}

// Outcome is what a scenario gave.
type Outcome struct {
	Scenario
	Contenders []Rounds `json:"contenders"`
}

func (o Outcome) RoundsOf(name string) []Round {
	for _, c := range o.Contenders {
		if c.Contender == name {
			return c.Rounds
		}
	}
	return nil
}

// middle is the median over rounds.
func middle(all []Round, value func(Round) float64) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, value(r))
	}
	return load.Median(values)
}

// paired is the median over rounds of what compare makes of a's and b's figure
// in the same round: a machine that is slow for a while is so for both. ok is
// false when one of them was not there.
func (o Outcome) paired(a, b string, value func(Round) float64, compare func(a, b float64) float64) (m float64, ok bool) {
	of, to := o.RoundsOf(a), o.RoundsOf(b)
	if len(of) == 0 || len(of) != len(to) {
		return 0, false
	}
	var values []float64
	for i := range of {
		values = append(values, compare(value(of[i]), value(to[i])))
	}
	return load.Median(values), true
}

func perSecond(r Round) float64 { return r.PerSecond }

func p50(r Round) float64 { return r.P50 }

func p99(r Round) float64 { return r.P99 }

func cpu(r Round) float64 { return r.CPU }

func busy(r Round) float64 { return r.Busy }

func ratio(a, b float64) float64 { return a / b }

func minus(a, b float64) float64 { return a - b }
