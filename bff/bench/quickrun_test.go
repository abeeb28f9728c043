package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// The whole of `make bench`, with so little of everything that its figures say
// nothing: whether each part still does what it is to measure.
//
// The race detector makes a minute of it, and the race would be one of the
// measuring alone: `make test` runs it apart, without.
func TestQuickRun(t *testing.T) {
	runtime.LockOSThread() // as in main
	dir := t.TempDir()
	program := filepath.Join(dir, "gatehouse")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "new", "bench.json")
	p, err := parse([]string{"-quick", "-gatehouse", program, "-json", file})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	began := time.Now()
	if err := measure(t.Context(), p, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("%v\n%s", time.Since(began), &out)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Scenarios) != len(report.Scenarios) {
		t.Errorf("%d scenarios", len(r.Scenarios))
	}
	used := map[string]float64{}
	for _, o := range r.Scenarios {
		for _, c := range o.Contenders {
			used[c.Contender] += c.Rounds[0].CPU
		}
		for _, name := range []string{rivals.Direct, rivals.Bare, rivals.Gatehouse} {
			if got := o.RoundsOf(name); len(got) != 1 || got[0].Count == 0 || got[0].P50 <= 0 || got[0].P99 < got[0].P50 {
				t.Errorf("%s, %s: %+v", o.Name, name, got)
			}
		}
		if found := len(o.RoundsOf(rivals.Nginx)) == 1; found != (rivals.FindNginx() != "") {
			t.Errorf("%s, nginx: %t", o.Name, found)
		}
	}
	for name, cpu := range used {
		if runtime.GOOS == "linux" && (cpu > 0) != (name != rivals.Direct) {
			t.Errorf("%s used %v µs of CPU", name, cpu)
		}
	}
	if r.Transfer == nil || r.Flood == nil || r.Sockets == nil || r.Flood.Judged+r.Flood.Busy.Count == 0 || r.Flood.Quiet.Count != int(p.flood/pace) {
		t.Errorf("sections are missing: %s", text)
	}
	services := !strings.Contains(strings.Join(r.Notes, ""), "EMBEDDED MODE")
	if !services && os.Getenv("CI") == "true" {
		t.Errorf("CI=true, and %q", r.Notes)
	}
	if (r.Refreshes != nil && r.Tabs != nil && r.Revocation != nil && r.Scale != nil) != services {
		t.Errorf("services %t, and %s", services, text)
	}
	if services {
		checkScale(t, *r.Scale)
	}
	for _, target := range r.Targets {
		if services && runtime.GOOS == "linux" && target.Verdict == report.Absent && (rivals.FindCaddy() != "" || !strings.Contains(target.Name, "Caddy")) && (rivals.FindNginx() != "" || !strings.Contains(target.Name, "nginx")) {
			t.Errorf("%s was not judged", target.Name)
		}
	}
}

func checkScale(t *testing.T, s report.Scale) {
	t.Helper()
	if v := s.Refreshes; v.Count == 0 || v.PerSecond <= 0 || v.RedisCPU <= 0 || v.PerCoreSecond <= 0 || s.Session < 300 || s.Session > 1500 {
		t.Errorf("renewals in the store: %+v; a session has %v bytes", v, s.Session)
	}
	if len(s.Followers) != len(fleets) || len(s.Paper) != len(fleets) {
		t.Fatalf("fleets of %v, and %+v, %+v", fleets, s.Followers, s.Paper)
	}
	for i, f := range s.Followers {
		if f.Followers != fleets[i] || f.Count == 0 || f.P50 <= 0 || f.P99 < f.P50 || f.RedisCPU <= 0 || f.OwnCPU <= 0 {
			t.Errorf("followers: %+v", f)
		}
		if p := s.Paper[i]; p.Instances != fleets[i] || p.Redis <= 0 || p.Wall == "" && runtime.GOOS == "linux" || p.People <= 0 || p.Memory <= 0 {
			t.Errorf("on paper: %+v", p)
		}
	}
}
