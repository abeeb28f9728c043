package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, sampler string) *Traces {
	t.Helper()
	traces, err := OpenTraces(t.Context(), TraceConfig{Endpoint: "http://127.0.0.1:9", Service: "x", Version: "v", Sampler: sampler, Ratio: 0, Log: discard()},
		New("v", newClock().now))
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

func TestSamplers(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
	for sampler := range Samplers {
		traces := open(t, sampler)
		always, ofParent := strings.HasSuffix(sampler, "always_on"), strings.HasPrefix(sampler, "parentbased")
		for _, c := range []struct {
			flag    string
			trusted bool
			want    bool
		}{
			{"1", true, always || ofParent}, {"0", true, always && !ofParent},
			{"1", false, always}, {"0", false, always}, // a browser has no say
		} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Traceparent", parent+c.flag)
			ctx, id, _ := traces.Request(r, "GET", "id", c.trusted)
			out := r.WithContext(ctx)
			traces.Forward(out, "/x", "orders:80")
			told := out.Header.Get("Traceparent")
			if strings.HasSuffix(told, "-01") != c.want || !strings.Contains(told, id) || strings.Contains(parent, id) != c.trusted {
				t.Errorf("%s, flag %s, trusted %v: the upstream is told %s", sampler, c.flag, c.trusted, told)
			}
		}
	}
	if _, err := OpenTraces(t.Context(), TraceConfig{Sampler: "guess"}, New("v", newClock().now)); err == nil {
		t.Error("there is no such sampler")
	}
}

// Background work queries the stores too, every other second.
func TestNoSpanWithoutARequest(t *testing.T) {
	for name, traces := range map[string]*Traces{"off": nil, "on": open(t, "always_on")} {
		ctx := context.Background()
		if inner, done := traces.question(ctx, "redis", "ping"); inner != ctx {
			t.Errorf("%s: a span of its own", name)
		} else {
			done(errors.New("x"))
		}
	}
}

func TestOutageOfACollectorIsToldOnceAMinute(t *testing.T) {
	c, out := newClock(), &bytes.Buffer{}
	q := &quietLog{log: slog.New(slog.NewTextHandler(out, nil)), now: c.now}
	for range 61 {
		q.warn(errors.New("connection refused"))
		c.at = c.at.Add(time.Second)
	}
	if n := strings.Count(out.String(), "traces cannot be delivered"); n != 2 {
		t.Errorf("told %d times in a minute and a second", n)
	}
}
