package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// sideBySide has the contenders take turns, each round another one first, so
// that what the machine does meanwhile hits all of them.
func sideBySide(ctx context.Context, all []*rivals.Contender, cookies []string, p plan, cores rivals.Pins) (out []report.Outcome, err error) {
	for _, s := range report.Scenarios {
		o := report.Outcome{Scenario: s}
		for _, c := range all {
			o.Contenders = append(o.Contenders, report.Rounds{Contender: c.Name})
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

func measureOnce(ctx context.Context, c *rivals.Contender, s report.Scenario, cookies []string, d time.Duration, cores string) (report.Round, error) {
	var before, after rivals.Usage
	var err error
	if c.Process != nil {
		if before, err = c.Process.Usage(); err != nil {
			return report.Round{}, err
		}
	}
	began := time.Now()
	got, err := rivals.RunLoad(ctx, cores, load.Order{
		Addr: c.Addr, Path: s.Path, Length: s.Length, Connections: s.Connections, Cookies: cookies, WarmUp: d / 4, Duration: d,
	})
	if err != nil {
		return report.Round{}, err
	}
	// The load generator's own start is in it: a few milliseconds.
	elapsed := time.Since(began)
	r := report.Round{Sample: got}
	if c.Process != nil {
		if after, err = c.Process.Usage(); err != nil {
			return report.Round{}, err
		}
		used := after.CPU - before.CPU
		r.CPU, r.Busy = load.Micros(used)/float64(got.Asked), used.Seconds()/elapsed.Seconds()
	}
	return r, nil
}
