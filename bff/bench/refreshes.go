package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
)

const (
	refreshPath = "/api/auth/refresh"
	// renewalsEach is how often one session renews itself in a run: its rate
	// limit lets 60 go at once.
	refreshesEach = 50
)

// refreshSessions has 64 browsers refresh their sessions one after the other, as fast
// as the responses come.
func refreshSessions(ctx context.Context, g *gatehouse, sessions []signedIn, most time.Duration) (out report.Refreshes, err error) {
	before, err := g.Process.Usage()
	if err != nil {
		return out, err
	}
	browsers := min(64, len(sessions))
	took := make([][]time.Duration, browsers)
	began := time.Now()
	err = load.AtOnce(browsers, func(i int) error {
		w, err := load.Dial(g.Addr)
		if err != nil {
			return err
		}
		defer w.Close()
		for range refreshesEach {
			for k := i; k < len(sessions); k += browsers {
				if ctx.Err() != nil || time.Since(began) > most {
					return ctx.Err()
				}
				asked := time.Now()
				next, err := refreshOnce(w, sessions[k])
				if err != nil {
					return err
				}
				if next == sessions[k] {
					return errors.New("a refresh changed nothing")
				}
				sessions[k], took[i] = next, append(took[i], time.Since(asked))
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	elapsed := time.Since(began)
	after, err := g.Process.Usage()
	if err != nil {
		return out, err
	}
	out.Spread = load.SpreadOf(slices.Concat(took...))
	out.PerSecond = float64(out.Count) / elapsed.Seconds()
	if used := after.CPU - before.CPU; used > 0 {
		out.CPU = load.Micros(used) / float64(out.Count)
		out.PerCoreSecond = 1e6 / out.CPU
	}
	return out, nil
}

func refreshOnce(w *load.Conn, s signedIn) (next signedIn, err error) {
	request := load.BrowserRequest("POST", refreshPath, "refresh_token="+s.refresh, "Content-Type: application/json\r\n")
	r, err := w.Exchange(request, func(line []byte) { next.take(line) })
	if err != nil || r.Status != 200 {
		return next, load.Unexpected("a renewal", r, err)
	}
	if next.access == "" || next.refresh == "" {
		return next, errors.New("a refresh without cookies")
	}
	return next, nil
}

// take keeps the cookie that a line of a header sets.
func (s *signedIn) take(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(": "))
	if !bytes.EqualFold(name, []byte("set-cookie")) {
		return
	}
	value, _, _ = bytes.Cut(value, []byte(";"))
	if v, ok := bytes.CutPrefix(value, []byte("access_token=")); ok {
		s.access = string(v)
	}
	if v, ok := bytes.CutPrefix(value, []byte("refresh_token=")); ok {
		s.refresh = string(v)
	}
}

// wakeTabs renews each session by all its tabs at once, which must all get the
// same cookies.
func wakeTabs(ctx context.Context, g *gatehouse, sessions []signedIn) (out report.Bursts, err error) {
	out.Tabs = 32
	wires := make([]*load.Conn, out.Tabs)
	for i := range wires {
		if wires[i], err = load.Dial(g.Addr); err != nil {
			return out, err
		}
		defer wires[i].Close()
	}
	var took []time.Duration
	var sum time.Duration
	for k, s := range sessions {
		got := make([]signedIn, out.Tabs)
		began := time.Now()
		err := load.AtOnce(out.Tabs, func(i int) (err error) {
			got[i], err = refreshOnce(wires[i], s)
			return err
		})
		if err = errors.Join(err, ctx.Err()); err != nil {
			return out, err
		}
		d := time.Since(began)
		took, sum = append(took, d), sum+d
		for i := range got {
			if got[i] != got[0] {
				return out, fmt.Errorf("session %d: tab %d got other cookies than tab 0", k, i)
			}
		}
	}
	out.All = load.SpreadOf(took)
	out.PerSecond = float64(out.Tabs*len(sessions)) / sum.Seconds()
	return out, nil
}
