package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
)

// signOutElsewhere signs sessions out at a and asks b, which is busy with
// others, until it refuses each: from sign-out's answer to the first 401.
func signOutElsewhere(ctx context.Context, a, b *gatehouse, leave, stay []signedIn) (out report.Revocation, err error) {
	at, err := load.Dial(a.Addr)
	if err != nil {
		return out, err
	}
	defer at.Close()
	elsewhere, err := load.Dial(b.Addr)
	if err != nil {
		return out, err
	}
	defer elsewhere.Close()
	done := make(chan struct{})
	var took []time.Duration
	served, began := 0, time.Now()
	err = load.AtOnce(2, func(i int) error {
		if i == 0 {
			defer close(done)
			for _, s := range leave {
				d, err := signOut(ctx, at, elsewhere, s)
				if err != nil {
					return err
				}
				took = append(took, d)
			}
			return nil
		}
		return keepAsking(b.Addr, stay, done, &served)
	})
	out.Spread = load.SpreadOf(took)
	out.Bystanders = float64(served) / time.Since(began).Seconds()
	return out, err
}

func signOut(ctx context.Context, at, elsewhere *load.Conn, s signedIn) (time.Duration, error) {
	look := load.BrowserRequest("GET", rivals.SmallPath, "access_token="+s.access, "")
	r, err := elsewhere.Exchange(look, nil)
	if err != nil || r.Status != 200 {
		return 0, load.Unexpected("before sign-out", r, err)
	}
	r, err = at.Exchange(load.BrowserRequest("POST", "/api/auth/logout", s.cookie(), ""), nil)
	if err != nil || r.Status != 204 {
		return 0, load.Unexpected("sign-out", r, err)
	}
	for began := time.Now(); ; {
		r, err := elsewhere.Exchange(look, nil)
		took := time.Since(began)
		switch {
		case err != nil:
			return 0, err
		case r.Status == 401:
			return took, nil
		case r.Status != 200 || took > 10*time.Second || ctx.Err() != nil:
			return 0, errors.Join(fmt.Errorf("an ended session: status %d after %v", r.Status, took), ctx.Err())
		}
	}
}

// keepAsking is one member after the other until done is closed; each is
// served.
func keepAsking(addr string, members []signedIn, done <-chan struct{}, served *int) error {
	w, err := load.Dial(addr)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		for _, s := range members {
			select {
			case <-done:
				return nil
			default:
			}
			r, err := w.Exchange(load.BrowserRequest("GET", rivals.SmallPath, s.cookie(), ""), nil)
			if err != nil || r.Status != 200 {
				return load.Unexpected("a bystander", r, err)
			}
			*served++
		}
	}
}
