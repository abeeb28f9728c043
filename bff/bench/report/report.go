// Package report holds the figures of a run, judges them by targets and prints them.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// Report is what a run gave, as it goes into the file.
type Report struct {
	Date       time.Time   `json:"date"`
	Took       float64     `json:"took_s"`
	Quick      bool        `json:"quick"` // no figures, only a proof that it works
	Machine    Machine     `json:"machine"`
	Load1      string      `json:"load_average"`
	Cores      rivals.Pins `json:"pinned"`
	Notes      []string    `json:"notes"`
	RoundsEach int         `json:"rounds"`
	Seconds    float64     `json:"seconds_each"`
	Targets    []Target    `json:"targets"`
	Scenarios  []Outcome   `json:"scenarios"`
	Memory     []Footprint `json:"memory"`
	Refreshes  *Refreshes  `json:"refresh"`
	Tabs       *Bursts     `json:"tabs"`
	Revocation *Revocation `json:"revocation"`
	Scale      *Scale      `json:"scale"`
	Flood      *Flood      `json:"flood"`
	Transfer   *Transfers  `json:"transfer"`
	Sockets    *Sockets    `json:"sockets"`
}

// Footprint is a contender's memory, with that of its children.
type Footprint struct {
	Contender string `json:"contender"`
	Idle      int64  `json:"idle_bytes"`
	Peak      int64  `json:"peak_bytes"`
}

func (r *Report) Write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func (r *Report) Print(out io.Writer) {
	m := r.Machine
	fmt.Fprintf(out, "\n%s, Gatehouse %s, commit %s\n%s, %d cores, %s; %s\n", r.Date.Format(time.DateTime+" MST"), m.Gatehouse, m.Commit, m.CPU, m.Cores, m.Kernel, m.Go)
	fmt.Fprintf(out, "nginx %s; Caddy %s; Redis %s; MariaDB %s\n", m.Nginx, m.Caddy, m.Redis, m.MariaDB)
	fmt.Fprintf(out, "Cores: %s.\n", r.Cores.How)
	fmt.Fprintf(out, "%d rounds of %.1f s, medians; load average at the end %s; %.0f s in all.\n", r.RoundsEach, r.Seconds, r.Load1, r.Took)
	for _, n := range r.Notes {
		fmt.Fprintf(out, "NOTE: %s\n", n)
	}
	if r.Quick {
		fmt.Fprintln(out, "QUICK: these are no figures, only a proof that the harness works.")
	}
	for _, o := range r.Scenarios {
		fmt.Fprintf(out, "\n%s\n", o.Name)
		w := table(out)
		fmt.Fprintln(w, "\trequests/s\t/ bare\tp50 µs\tp99 µs\tCPU µs/request\t/ bare\tits core busy\t")
		for _, c := range o.Contenders {
			all := c.Rounds
			share, _ := o.paired(c.Contender, rivals.Bare, perSecond, ratio)
			fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.0f\t%.0f\t", c.Contender, middle(all, perSecond), share, middle(all, p50), middle(all, p99))
			if c.Contender == rivals.Direct || middle(all, cpu) == 0 {
				fmt.Fprint(w, "–\t–\t–\t\n")
				continue
			}
			work, _ := o.paired(c.Contender, rivals.Bare, cpu, ratio)
			fmt.Fprintf(w, "%.1f\t%.2f\t%.0f %%\t\n", middle(all, cpu), work, 100*middle(all, busy))
		}
		w.Flush()
	}
	r.printMemory(out)
	r.printSections(out)
	r.Scale.print(out)
	fmt.Fprintln(out, "\nTargets")
	w := table(out)
	for _, t := range r.Targets {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", t.Name, t.Shown, t.Target, t.Verdict)
	}
	w.Flush()
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }

func (r *Report) printMemory(out io.Writer) {
	if len(r.Memory) == 0 || r.Memory[0].Peak == 0 {
		return
	}
	fmt.Fprintln(out, "\nMemory, MiB (bare is a part of the bench program, and its memory has all of that in it)")
	w := table(out)
	fmt.Fprintln(w, "\tidle\tpeak under load\t")
	for _, f := range r.Memory {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t\n", f.Contender, float64(f.Idle)/mebi, float64(f.Peak)/mebi)
	}
	w.Flush()
}

func (r *Report) printSections(out io.Writer) {
	fmt.Fprintln(out, "\nGatehouse alone")
	w := table(out)
	defer w.Flush()
	if v := r.Refreshes; v != nil {
		fmt.Fprintf(w, "renewals, 64 browsers\t%.0f/s\tp50 %.1f ms, p99 %.1f ms; %.0f µs of CPU each, %.0f/s of one core\t\n", v.PerSecond, v.P50/1000, v.P99/1000, v.CPU, v.PerCoreSecond)
	}
	if v := r.Tabs; v != nil {
		fmt.Fprintf(w, "%d tabs wake at once\t%.0f answers/s\tthe last has its answer after p50 %.1f ms, p99 %.1f ms\t\n", v.Tabs, v.PerSecond, v.All.P50/1000, v.All.P99/1000)
	}
	if v := r.Revocation; v != nil {
		fmt.Fprintf(w, "sign-out reaches another instance\t%d times\tp50 %.2f ms, p99 %.2f ms, beside %.0f requests/s\t\n", v.Count, v.P50/1000, v.P99/1000, v.Bystanders)
	}
	if v := r.Flood; v != nil {
		fmt.Fprintf(w, "500 requests/s in a flood of sign-ins\tp99 %.1f ms\tin quiet %.1f ms; p50 %.2f and %.2f ms; %d judged, %d refused as busy (p99 %.1f ms)\t\n",
			v.Flood.P99/1000, v.Quiet.P99/1000, v.Flood.P50/1000, v.Quiet.P50/1000, v.Judged, v.Busy.Count, v.Busy.P99/1000)
	}
	if v := r.Transfer; v != nil {
		fmt.Fprintf(w, "%d MiB down, up and both\t%.1f MiB growth\t%.0f MiB/s\t\n", v.Bytes/mebi, float64(v.Growth)/mebi, v.PerSecond/mebi)
	}
	if v := r.Sockets; v != nil {
		fmt.Fprintf(w, "%d idle WebSockets\t%.1f KiB each\t%s\t\n", v.Count, v.Each/kibi, v.Note)
	}
}
