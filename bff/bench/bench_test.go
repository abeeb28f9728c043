package main

import (
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// A load generator that takes anything for an answer measures nothing.
func TestLoadRefusesWrongAnswers(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"good", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""},
		{"any case", "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", ""},
		{"status", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "status 401"},
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", "3 bytes, want 200 and 2"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\nok", "unknown length"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "chunks"},
		{"not kept", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "not kept"},
		{"half", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", "EOF"},
		{"no HTTP", "hello, here I am\r\n\r\n", "no status line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go answerWith(l, c.answer, 0)
			_, err = Order{Addr: l.Addr().String(), Path: "/", Connections: 2, Duration: 20 * time.Millisecond, Length: 2}.run()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A server that stalls for the whole window is slow, not absent.
func TestLoadCountsLateAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const stall = 60 * time.Millisecond
	go answerWith(l, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", stall)
	got, err := Order{Addr: l.Addr().String(), Path: "/", Connections: 3, Duration: 10 * time.Millisecond, Length: 2}.run()
	if err != nil || got.Count != 3 || got.P50 < Micros(stall) || got.PerSecond > 3/stall.Seconds() {
		t.Errorf("%+v, %v", got, err)
	}
}

// answerWith answers each request alike; half an answer is the last.
func answerWith(l net.Listener, answer string, after time.Duration) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 4096)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
				<-time.After(after)
				if _, err := io.WriteString(conn, answer); err != nil || strings.HasSuffix(answer, "\n\r\no") {
					return
				}
			}
		}()
	}
}

func TestFigures(t *testing.T) {
	ms := func(n ...int) (all []time.Duration) {
		for _, n := range n {
			all = append(all, time.Duration(n)*time.Millisecond)
		}
		return all
	}
	if got := SpreadOf(ms(3, 1, 2)); got != (Spread{3, 2000, 3000}) {
		t.Errorf("%+v", got)
	}
	for want, values := range map[float64][]float64{0: nil, 5: {5}, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := Median(values); got != want {
			t.Errorf("median of %v is %v", values, got)
		}
	}
	// The ratio is taken within rounds: both are twice as slow in the second.
	o := Outcome{Contenders: []Rounds{
		{Bare, []Round{{Sample: Sample{PerSecond: 100}}, {Sample: Sample{PerSecond: 50}}, {Sample: Sample{PerSecond: 10}}}},
		{Gatehouse, []Round{{Sample: Sample{PerSecond: 150}}, {Sample: Sample{PerSecond: 75}}, {Sample: Sample{PerSecond: 30}}}},
	}}
	if got, ok := o.paired(Gatehouse, Bare, perSecond, ratio); !ok || got != 1.5 {
		t.Errorf("%v, %t", got, ok)
	}
	if _, ok := o.paired(Gatehouse, Caddy, perSecond, ratio); ok {
		t.Error("a ratio to what was not there")
	}
	// A connection that was not asked is no answer in no time.
	if s, window := lateOnes([]answered{{}, {5 * time.Millisecond, time.UnixMilli(9)}, {}}, time.UnixMilli(2)); s != (Spread{1, 5000, 5000}) || window != 7*time.Millisecond {
		t.Errorf("late answers: %+v within %v", s, window)
	}
	first := map[int]int{}
	for n := range 6 {
		order := turns(n, 3)
		first[order[0]]++
		if slices.Sort(order); !slices.Equal(order, []int{0, 1, 2}) {
			t.Errorf("round %d: %v", n, order)
		}
	}
	if len(first) != 3 || first[0] != 2 || first[1] != 2 {
		t.Errorf("who came first how often: %v", first)
	}
	if got := strings.Join(listed("0-2,5\n"), " "); got != "0 1 2 5" {
		t.Errorf("%q", got)
	}
}

func TestVerdicts(t *testing.T) {
	race := func(own, bare float64) Report {
		o := Outcome{Scenario: Scenarios[0], Contenders: []Rounds{
			{Bare, []Round{{Sample: Sample{PerSecond: bare, Spread: Spread{P99: 10}}}}},
			{Gatehouse, []Round{{Sample: Sample{PerSecond: own, Spread: Spread{P99: 10}}}}},
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
		{Report{Memory: []Footprint{{Gatehouse, 30 << 20, 59 << 20}}}, "at its peak", met},
		{Report{Memory: []Footprint{{Gatehouse, 30 << 20, 61 << 20}}}, "at its peak", missed},
		{Report{Revocation: &Revocation{Spread: Spread{P99: 250_000}}}, "revocation", met},
		{Report{Revocation: &Revocation{Spread: Spread{P99: 251_000}}}, "revocation", missed},
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

func TestParsing(t *testing.T) {
	for _, c := range []struct {
		args string
		ok   bool
	}{{"", true}, {"-quick", true}, {"-only flood|tabs -rounds 3", true}, {"-only (", false}, {"-rounds 0", false}, {"-nonsense", false}} {
		if _, err := parse(strings.Fields(c.args)); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	if err := PinSelf(""); err != nil {
		t.Error(err)
	}
}
