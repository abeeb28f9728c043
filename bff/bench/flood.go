package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

const (
	attackers = 32
	// pace is 500 proxied requests a second: a machine that is busy, and not
	// with itself alone.
	pace = 2 * time.Millisecond
	// trusting lets each sign-in come from another address: one alone would be
	// stopped by its rate limit.
	trusting = "TRUSTED_PROXIES=127.0.0.0/8"
)

func floodSignIn(ctx context.Context, g *gatehouse, members []signedIn, rounds int, each time.Duration) (out report.Flood, err error) {
	var quiet, flood, refused []time.Duration
	var ratios []float64
	for range rounds {
		calm, err := paced(ctx, g.Addr, members, each)
		if err != nil {
			return out, err
		}
		var stormy []time.Duration
		flooding, end := context.WithCancel(ctx)
		h := &hammer{addr: g.Addr, ctx: flooding}
		err = load.AtOnce(attackers+1, func(i int) (err error) {
			if i < attackers {
				return h.signInWrongly(i)
			}
			defer end()
			stormy, err = paced(ctx, g.Addr, members, each)
			return err
		})
		end()
		if err != nil {
			return out, err
		}
		// The next quiet half is quiet when nothing is hashed any more.
		if err := calmed(ctx, g.Addr); err != nil {
			return out, err
		}
		out.Judged += h.judged
		ratios = append(ratios, load.SpreadOf(stormy).P99/load.SpreadOf(calm).P99)
		quiet, flood, refused = append(quiet, calm...), append(flood, stormy...), append(refused, h.refused...)
	}
	out.Quiet, out.Flood, out.Busy, out.Ratio = load.SpreadOf(quiet), load.SpreadOf(flood), load.SpreadOf(refused), load.Median(ratios)
	if out.Judged+out.Busy.Count == 0 {
		return out, errors.New("no sign-in was answered: there was no flood")
	}
	return out, nil
}

// paced sends proxied requests at a steady pace, whatever the answers take, and
// gives how long each took from the moment it was due: a server that stalls
// must not be rewarded by being asked less.
func paced(ctx context.Context, addr string, members []signedIn, during time.Duration) ([]time.Duration, error) {
	const wires = 64
	took := make([][]time.Duration, wires)
	var next atomic.Int64
	began, count := time.Now(), int64(during/pace)
	err := load.AtOnce(wires, func(i int) error {
		w, err := load.Dial(addr)
		if err != nil {
			return err
		}
		defer w.Close()
		request := load.BrowserRequest("GET", rivals.SmallPath, members[i%len(members)].cookie(), "")
		for {
			n := next.Add(1)
			if n > count {
				return nil
			}
			due := began.Add(time.Duration(n) * pace)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Until(due)):
			}
			r, err := w.Exchange(request, nil)
			if err != nil || r.Status != 200 {
				return load.Unexpected("a member at work", r, err)
			}
			took[i] = append(took[i], time.Since(due))
		}
	})
	return slices.Concat(took...), err
}

// hammer signs in with wrong passwords, each client as fast as it is answered.
type hammer struct {
	addr string
	ctx  context.Context // ends the flood

	mu      sync.Mutex
	refused []time.Duration
	judged  int
}

func (h *hammer) signInWrongly(client int) error {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for h.ctx.Err() == nil {
		began := time.Now()
		// Each another account: the delays of one would end the flood.
		status, err := attempt(h.ctx, c, h.addr, fmt.Sprintf("nobody%d-%d@example.com", client, rand.Uint64()))
		switch {
		case h.ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		h.mu.Lock()
		switch status {
		case http.StatusServiceUnavailable:
			h.refused = append(h.refused, time.Since(began))
		case http.StatusUnauthorized:
			h.judged++
		}
		h.mu.Unlock()
		switch status {
		case http.StatusUnauthorized:
		case http.StatusServiceUnavailable:
			select { // a client that ignores Retry-After
			case <-h.ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		default:
			return fmt.Errorf("a wrong password: status %d", status)
		}
	}
	return nil
}

// calmed waits until a sign-in is judged: those before it are through.
func calmed(ctx context.Context, addr string) error {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		status, err := attempt(ctx, c, addr, fmt.Sprintf("nobody-%d@example.com", rand.Uint64()))
		if err != nil || status == http.StatusUnauthorized {
			return err
		}
	}
}

func attempt(ctx context.Context, c *http.Client, addr, email string) (int, error) {
	body := fmt.Sprintf(`{"email":%q,"password":"not the one"}`, email)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/api/auth/login", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256)))
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
