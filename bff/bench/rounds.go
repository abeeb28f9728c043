package main

import (
	"context"
	"fmt"
	"time"
)

// Scenario is one load; every contender gets the same.
type Scenario struct {
	Name        string `json:"name"`
	Path        string `json:"path"`
	Length      int    `json:"bytes"`
	Connections int    `json:"connections"`
}

const MaxConnections = 64 // connections

var Scenarios = []Scenario{
	{"1 KiB, 64 connections", SmallPath, Small, MaxConnections},
	{"1 KiB, 1 connection", SmallPath, Small, 1},
	{"64 KiB, 64 connections", LargePath, Large, MaxConnections},
	{"64 KiB, 1 connection", LargePath, Large, 1},
}

// Round is one measurement of one contender.
type Round struct {
	Sample
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

// sideBySide has the contenders take turns, each round another one first, so
// that what the machine does meanwhile hits all of them.
func sideBySide(ctx context.Context, all []*Contender, cookies []string, p plan, cores Pins) (out []Outcome, err error) {
	for _, s := range Scenarios {
		o := Outcome{Scenario: s}
		for _, c := range all {
			o.Contenders = append(o.Contenders, Rounds{Contender: c.Name})
		}
		for n := range p.rounds {
			for _, k := range turns(n, len(all)) {
				r, err := measureOnce(ctx, all[k], s, cookies, p.duration, cores.Load)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", s.Name, all[k].Name, err)
				}
				o.Contenders[k].Rounds = append(o.Contenders[k].Rounds, r)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// turns is the order of round n.
func turns(n, count int) (order []int) {
	for i := range count {
		order = append(order, (n+i)%count)
	}
	return order
}

func measureOnce(ctx context.Context, c *Contender, s Scenario, cookies []string, d time.Duration, cores string) (Round, error) {
	var before, after Usage
	var err error
	if c.Process != nil {
		if before, err = c.Process.Usage(); err != nil {
			return Round{}, err
		}
	}
	began := time.Now()
	got, err := RunLoad(ctx, cores, Order{
		Addr: c.Addr, Path: s.Path, Length: s.Length, Connections: s.Connections, Cookies: cookies, WarmUp: d / 4, Duration: d,
	})
	if err != nil {
		return Round{}, err
	}
	// The load generator's own start is in it: a few milliseconds.
	elapsed := time.Since(began)
	r := Round{Sample: got}
	if c.Process != nil {
		if after, err = c.Process.Usage(); err != nil {
			return Round{}, err
		}
		used := after.CPU - before.CPU
		r.CPU, r.Busy = Micros(used)/float64(got.Asked), used.Seconds()/elapsed.Seconds()
	}
	return r, nil
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
	return Median(values)
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
	return Median(values), true
}

func perSecond(r Round) float64 { return r.PerSecond }
func p50(r Round) float64       { return r.P50 }
func p99(r Round) float64       { return r.P99 }
func cpu(r Round) float64       { return r.CPU }
func busy(r Round) float64      { return r.Busy }

func ratio(a, b float64) float64 { return a / b }
func minus(a, b float64) float64 { return a - b }
