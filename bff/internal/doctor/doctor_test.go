package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
)

func finds(name string, state doctor.State) doctor.Check {
	return doctor.Check{Name: name, Ask: func(context.Context) (doctor.Result, error) {
		return doctor.Result{State: state, Found: name + " found", Fix: name + " fix"}, nil
	}}
}

func TestAnAbsentStoreIsReportedOnceAndHidesNoOther(t *testing.T) {
	away := finds("mysql.reachable", doctor.Problem)
	away.First = true
	there := finds("redis.reachable", doctor.OK)
	there.First = true
	report := doctor.Run(t.Context(), time.Minute,
		[]doctor.Check{away, finds("mysql.version", doctor.Problem), finds("mysql.rights", doctor.Problem)},
		[]doctor.Check{there, finds("redis.eviction", doctor.Problem), finds("redis.clock", doctor.OK)})
	var names []string
	for _, f := range report {
		names = append(names, f.Check)
	}
	if got, want := strings.Join(names, " "), "mysql.reachable redis.reachable redis.eviction redis.clock"; got != want {
		t.Errorf("checked %s, want %s", got, want)
	}
	if !strings.Contains(report[0].Found, "2 further checks are left out") {
		t.Errorf("found: %s", report[0].Found)
	}
	if report.Problems() != 2 {
		t.Errorf("%d problems, want 2", report.Problems())
	}
}

func TestACheckWithoutAnswerIsNoVerdict(t *testing.T) {
	refused := doctor.Check{Name: "refused", Ask: func(context.Context) (doctor.Result, error) {
		return doctor.Result{State: doctor.OK, Fix: "grant it"}, errors.New("NOPERM")
	}}
	hangs := doctor.Check{Name: "hangs", Ask: func(ctx context.Context) (doctor.Result, error) {
		<-ctx.Done()
		return doctor.Result{}, ctx.Err()
	}}
	report := doctor.Run(t.Context(), time.Millisecond, []doctor.Check{refused, hangs, finds("after", doctor.OK)})
	if len(report) != 3 || report[2].State != doctor.OK {
		t.Fatalf("report %+v", report)
	}
	if f := report[0]; f.State != doctor.Unknown || f.Found != "NOPERM" || f.Fix != "grant it" {
		t.Errorf("refused: %+v", f)
	}
	if f := report[1]; f.State != doctor.Unknown || f.Found != "no answer within 1ms" || f.Fix == "" {
		t.Errorf("hangs: %+v", f)
	}
	if report.Problems() != 0 {
		t.Error("what could not be asked counts as a problem")
	}
}

func TestTheTextHasALineForEachFindingAndItsFixBelow(t *testing.T) {
	report := doctor.Report{
		{Check: "a", State: doctor.OK, Found: "fine"},
		{Check: "longer", State: doctor.Unknown, Found: "forged\nok  b  line\x1b[31m", Fix: "mend\nit"},
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	want := "ok             a       fine\n" +
		"could not ask  longer  forged ok  b  line\uFFFD[31m\n" +
		"               fix: mend it\n" +
		"\n2 checks: 1 ok, 0 warnings, 0 problems, 1 could not be asked\n"
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &text, want)
	}
}

func TestTheJSONSaysWhetherThereIsAProblem(t *testing.T) {
	for _, c := range []struct {
		report doctor.Report
		ok     bool
		checks int
	}{
		{nil, true, 0},
		{doctor.Report{{Check: "a", State: doctor.Warning, Found: "hm", Fix: "do"}}, true, 1},
		{doctor.Report{{Check: "a", State: doctor.Warning}, {Check: "b", State: doctor.Problem}}, false, 2},
	} {
		var text strings.Builder
		if err := c.report.WriteJSON(&text); err != nil {
			t.Fatal(err)
		}
		var got struct {
			OK     *bool
			Checks []map[string]any
		}
		if err := json.Unmarshal([]byte(text.String()), &got); err != nil || got.OK == nil || got.Checks == nil {
			t.Fatalf("%v: %s", err, &text)
		}
		if *got.OK != c.ok || len(got.Checks) != c.checks {
			t.Errorf("%+v: %s", c.report, &text)
		}
	}
}

func TestClock(t *testing.T) {
	before := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	after := before.Add(40 * time.Millisecond)
	for _, c := range []struct {
		there time.Time
		want  doctor.State
		found string
	}{
		{before, doctor.OK, "agrees"},
		{before.Add(20 * time.Millisecond), doctor.OK, "agrees"},
		{after, doctor.OK, "agrees"},
		{after.Add(4 * time.Second), doctor.OK, "4s ahead of"},
		{after.Add(5 * time.Second), doctor.Warning, "5s ahead of"},
		{before.Add(-59 * time.Second), doctor.Warning, "59s behind"},
		{before.Add(-time.Minute), doctor.Problem, "1m0s behind"},
		{after.Add(time.Hour), doctor.Problem, "1h0m0s ahead of"},
	} {
		r := doctor.Clock("the server's", before, c.there, after)
		if r.State != c.want || !strings.Contains(r.Found, c.found) || (r.Fix != "") != (c.want != doctor.OK) {
			t.Errorf("%s: %+v, want %s, %q", c.there.Sub(before), r, c.want, c.found)
		}
	}
	// A slow answer proves nothing about the clock.
	if r := doctor.Clock("the server's", before, before.Add(time.Minute), before.Add(2*time.Minute)); r.State != doctor.OK {
		t.Errorf("a slow answer: %+v", r)
	}
}

func TestWorst(t *testing.T) {
	if got := doctor.Worst(); got != doctor.OK {
		t.Errorf("of none: %s", got)
	}
	if got := doctor.Worst(doctor.Warning, doctor.Unknown, doctor.OK); got != doctor.Warning {
		t.Errorf("got %s", got)
	}
	if got := doctor.Worst(doctor.OK, doctor.Problem, doctor.Warning); got != doctor.Problem {
		t.Errorf("got %s", got)
	}
}

func TestBytesAndPlural(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := doctor.Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if one, two := doctor.Plural(1, "node"), doctor.Plural(2, "node"); one != "1 node" || two != "2 nodes" {
		t.Errorf("%s, %s", one, two)
	}
}
