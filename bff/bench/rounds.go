package main

import (
	"context"
	"fmt"
	"time"
)

// scenario is one load; every contender gets the same.
type scenario struct {
	Name        string `json:"name"`
	Path        string `json:"path"`
	Length      int    `json:"bytes"`
	Connections int    `json:"connections"`
}

const most = 64 // connections

var scenarios = []scenario{
	{"1 KiB, 64 connections", smallPath, small, most},
	{"1 KiB, 1 connection", smallPath, small, 1},
	{"64 KiB, 64 connections", largePath, large, most},
	{"64 KiB, 1 connection", largePath, large, 1},
}

// round is one measurement of one contender.
type round struct {
	sample
	CPU  float64 `json:"cpu_us_per_request"` // of the proxy, warm-up included
	Busy float64 `json:"busy"`               // how much of its core it used
}

// rounds are a contender's in one scenario; the n-th of each contender were
// measured one right after the other.
type rounds struct {
	Contender string  `json:"contender"`
	Rounds    []round `json:"rounds"`
}

// outcome is what a scenario gave.
type outcome struct {
	scenario
	Contenders []rounds `json:"contenders"`
}

// sideBySide has the contenders take turns, each round another one first, so
// that what the machine does meanwhile hits all of them.
func sideBySide(ctx context.Context, all []*contender, cookies []string, p plan, cores pins) (out []outcome, err error) {
	for _, s := range scenarios {
		o := outcome{scenario: s}
		for _, c := range all {
			o.Contenders = append(o.Contenders, rounds{Contender: c.name})
		}
		for n := range p.rounds {
			for _, k := range turns(n, len(all)) {
				r, err := measureOnce(ctx, all[k], s, cookies, p.duration, cores.Load)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", s.Name, all[k].name, err)
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

func measureOnce(ctx context.Context, c *contender, s scenario, cookies []string, d time.Duration, cores string) (round, error) {
	var before, after usage
	var err error
	if c.process != nil {
		if before, err = c.process.usage(); err != nil {
			return round{}, err
		}
	}
	began := time.Now()
	got, err := runLoad(ctx, cores, load{
		Addr: c.addr, Path: s.Path, Length: s.Length, Connections: s.Connections, Cookies: cookies, WarmUp: d / 4, Duration: d,
	})
	if err != nil {
		return round{}, err
	}
	// The load generator's own start is in it: a few milliseconds.
	elapsed := time.Since(began)
	r := round{sample: got}
	if c.process != nil {
		if after, err = c.process.usage(); err != nil {
			return round{}, err
		}
		used := after.cpu - before.cpu
		r.CPU, r.Busy = micros(used)/float64(got.Asked), used.Seconds()/elapsed.Seconds()
	}
	return r, nil
}

func (o outcome) of(name string) []round {
	for _, c := range o.Contenders {
		if c.Contender == name {
			return c.Rounds
		}
	}
	return nil
}

// middle is the median over rounds.
func middle(all []round, value func(round) float64) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, value(r))
	}
	return median(values)
}

// paired is the median over rounds of what compare makes of a's and b's figure
// in the same round: a machine that is slow for a while is so for both. ok is
// false when one of them was not there.
func (o outcome) paired(a, b string, value func(round) float64, compare func(a, b float64) float64) (m float64, ok bool) {
	of, to := o.of(a), o.of(b)
	if len(of) == 0 || len(of) != len(to) {
		return 0, false
	}
	var values []float64
	for i := range of {
		values = append(values, compare(value(of[i]), value(to[i])))
	}
	return median(values), true
}

func perSecond(r round) float64 { return r.PerSecond }
func p50(r round) float64       { return r.P50 }
func p99(r round) float64       { return r.P99 }
func cpu(r round) float64       { return r.CPU }
func busy(r round) float64      { return r.Busy }

func ratio(a, b float64) float64 { return a / b }
func minus(a, b float64) float64 { return a - b }
