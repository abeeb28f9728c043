package report

import (
	"math"
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

func TestVerdicts(t *testing.T) {
	race := func(own, bare float64) Report {
		o := Outcome{Scenario: Scenarios[0], Contenders: []Rounds{
			{rivals.Bare, []Round{{Sample: load.Sample{PerSecond: bare, Spread: load.Spread{P99: 10}}}}},
			{rivals.Gatehouse, []Round{{Sample: load.Sample{PerSecond: own, Spread: load.Spread{P99: 10}}}}},
		}}
		return Report{Scenarios: []Outcome{o}}
	}
	for _, c := range []struct {
		r          Report
		name, want string
	}{
		{race(15, 10), "/ bare", met},
		{race(14, 10), "/ bare", floor},
		{race(11, 10), "/ bare", missed},
		{race(11, 10), "p99 / bare", missed}, // as slow is not faster
		{race(15, 10), "Caddy", Absent},
		{Report{}, "/ bare", Absent},
		{Report{Memory: []Footprint{{rivals.Gatehouse, 30 << 20, 59 << 20}}}, "at its peak", met},
		{Report{Memory: []Footprint{{rivals.Gatehouse, 30 << 20, 61 << 20}}}, "at its peak", missed},
		{Report{Revocation: &Revocation{Spread: load.Spread{P99: 250_000}}}, "revocation", met},
		{Report{Revocation: &Revocation{Spread: load.Spread{P99: 251_000}}}, "revocation", missed},
		{Report{Refreshes: &Refreshes{PerCoreSecond: 2999}}, "renewals", missed},
		{Report{Sockets: &Sockets{Each: 20 << 10}}, "WebSocket", met},
	} {
		c.r.Judge()
		verdict := ""
		for _, got := range c.r.Targets {
			if verdict == "" && strings.Contains(got.Name, c.name) {
				verdict = got.Verdict
			}
			if math.IsNaN(got.Value) || math.IsInf(got.Value, 0) {
				t.Errorf("%s: %v", got.Name, got.Value)
			}
		}
		if verdict != c.want {
			t.Errorf("%q is %s, want %s", c.name, verdict, c.want)
		}
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

func TestFigures(t *testing.T) {
	// The ratio is taken within rounds: both are twice as slow in the second.
	o := Outcome{Contenders: []Rounds{
		{Contender: rivals.Bare, Rounds: []Round{{Sample: load.Sample{PerSecond: 100}}, {Sample: load.Sample{PerSecond: 50}}, {Sample: load.Sample{PerSecond: 10}}}},
		{Contender: rivals.Gatehouse, Rounds: []Round{{Sample: load.Sample{PerSecond: 150}}, {Sample: load.Sample{PerSecond: 75}}, {Sample: load.Sample{PerSecond: 30}}}},
	}}
	if got, ok := o.paired(rivals.Gatehouse, rivals.Bare, perSecond, ratio); !ok || got != 1.5 {
		t.Errorf("%v, %t", got, ok)
	}
	if _, ok := o.paired(rivals.Gatehouse, rivals.Caddy, perSecond, ratio); ok {
		t.Error("a ratio to what was not there")
	}
}
