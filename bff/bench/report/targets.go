package report

import (
	"fmt"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// Target is what is aimed at, beside what came out.
type Target struct {
	Name    string  `json:"name"`
	Target  string  `json:"target"`
	Value   float64 `json:"value"`
	Shown   string  `json:"shown"`
	Verdict string  `json:"verdict"`
}

const (
	met    = "ok"
	floor  = "floor" // less than is aimed at, not less than is bearable
	missed = "missed"
	Absent = "not measured"
)

const (
	mebi = 1 << 20
	kibi = 1 << 10
)

func (r *Report) Judge() {
	r.judgeRace()
	r.judgeMemory()
	r.judgeSections()
}

// atLeast and atMost note down a target; ok is false when there is no value.
func (r *Report) atLeast(name string, value, want float64, ok bool, target, shown string) {
	r.add(name, value, value >= want, ok, target, shown)
}

func (r *Report) atMost(name string, value, want float64, ok bool, target, shown string) {
	r.add(name, value, value <= want, ok, target, shown)
}

func (r *Report) add(name string, value float64, good, ok bool, aim, shown string) {
	t := Target{Name: name, Target: aim, Value: value, Shown: shown, Verdict: missed}
	switch {
	case !ok:
		t.Value, t.Shown, t.Verdict = 0, "–", Absent
	case good:
		t.Verdict = met
	}
	r.Targets = append(r.Targets, t)
}

func (r *Report) judgeRace() {
	var busy64, single Outcome
	for _, o := range r.Scenarios {
		switch {
		case o.Length == rivals.Small && o.Connections == load.MaxConnections:
			busy64 = o
		case o.Length == rivals.Small && o.Connections == 1:
			single = o
		}
	}
	times := func(v float64) string { return fmt.Sprintf("%.2f ×", v) }
	v, ok := busy64.paired(rivals.Gatehouse, rivals.Bare, perSecond, ratio)
	r.atLeast("requests per second / bare, 1 KiB × 64", v, 1.5, ok, "≥ 1.5 × (floor 1.2)", times(v))
	if last := &r.Targets[len(r.Targets)-1]; last.Verdict == missed && v >= 1.2 {
		last.Verdict = floor
	}
	v, ok = busy64.paired(rivals.Gatehouse, rivals.Caddy, perSecond, ratio)
	r.atLeast("requests per second / Caddy, 1 KiB × 64", v, 2.5, ok, "≥ 2.5 ×", times(v))
	v, ok = busy64.paired(rivals.Gatehouse, rivals.Nginx, perSecond, ratio)
	r.atLeast("requests per second / nginx, 1 KiB × 64", v, 0.4, ok, "≥ 0.4 ×", times(v))
	v, ok = busy64.paired(rivals.Gatehouse, rivals.Bare, p99, ratio)
	r.add("p99 / bare, 1 KiB × 64", v, v < 1, ok, "< 1 ×", times(v))
	v, ok = single.paired(rivals.Gatehouse, rivals.Bare, p50, minus)
	r.add("p50 more than bare, 1 KiB × 1", v, v < 150, ok, "< 150 µs", fmt.Sprintf("%.0f µs", v))
}

func (r *Report) judgeMemory() {
	var own Footprint
	for _, f := range r.Memory {
		if f.Contender == rivals.Gatehouse {
			own = f
		}
	}
	for _, f := range []struct {
		name  string
		bytes int64
		most  float64
	}{{"memory at its peak under load", own.Peak, 60}, {"memory when idle", own.Idle, 35}} {
		v := float64(f.bytes) / mebi
		r.add(f.name, v, v < f.most, f.bytes > 0, fmt.Sprintf("< %.0f MiB", f.most), fmt.Sprintf("%.1f MiB", v))
	}
}

func (r *Report) judgeSections() {
	var growth, perCore, revoked, flood, socket float64
	if r.Transfer != nil {
		growth = float64(r.Transfer.Growth) / mebi
	}
	if r.Refreshes != nil {
		perCore = r.Refreshes.PerCoreSecond
	}
	if r.Revocation != nil {
		revoked = r.Revocation.P99 / 1000
	}
	if r.Flood != nil {
		flood = r.Flood.Ratio
	}
	if r.Sockets != nil {
		socket = r.Sockets.Each / kibi
	}
	hasMemory := len(r.Memory) == 0 || r.Memory[0].Peak > 0
	r.add("peak's growth by 100 MiB down, up, both", growth, growth < 10, r.Transfer != nil && hasMemory, "< 10 MiB", fmt.Sprintf("%.1f MiB", growth))
	r.atLeast("renewals per second of one core", perCore, 3000, perCore > 0, "≥ 3,000", fmt.Sprintf("%.0f", perCore))
	r.atMost("revocation elsewhere, p99", revoked, 250, r.Revocation != nil, "≤ 250 ms", fmt.Sprintf("%.1f ms", revoked))
	r.atMost("proxied p99, flood of sign-ins / quiet", flood, 2, r.Flood != nil, "≤ 2 ×", fmt.Sprintf("%.2f ×", flood))
	r.atMost("memory of an idle WebSocket", socket, 20, r.Sockets != nil && hasMemory, "≤ 20 KiB", fmt.Sprintf("%.1f KiB", socket))
}
