package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// revocation is how long an ended session is still served elsewhere.
type revocation struct {
	spread
	Bystanders float64 `json:"bystanders_per_second"`
}

// signOutElsewhere signs sessions out at a and asks b, which is busy with
// others, until it refuses each: from sign-out's answer to the first 401.
func signOutElsewhere(ctx context.Context, a, b *gatehouse, leave, stay []session) (out revocation, err error) {
	at, err := dial(a.addr)
	if err != nil {
		return out, err
	}
	defer at.Close()
	elsewhere, err := dial(b.addr)
	if err != nil {
		return out, err
	}
	defer elsewhere.Close()
	done := make(chan struct{})
	var took []time.Duration
	served, began := 0, time.Now()
	err = atOnce(2, func(i int) error {
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
		return keepAsking(b.addr, stay, done, &served)
	})
	out.spread = spreadOf(took)
	out.Bystanders = float64(served) / time.Since(began).Seconds()
	return out, err
}

func signOut(ctx context.Context, at, elsewhere *wire, s session) (time.Duration, error) {
	look := browserRequest("GET", smallPath, "access_token="+s.access, "")
	r, err := elsewhere.ask(look, nil)
	if err != nil || r.status != 200 {
		return 0, unexpected("before sign-out", r, err)
	}
	r, err = at.ask(browserRequest("POST", "/api/auth/logout", s.cookie(), ""), nil)
	if err != nil || r.status != 204 {
		return 0, unexpected("sign-out", r, err)
	}
	for began := time.Now(); ; {
		r, err := elsewhere.ask(look, nil)
		took := time.Since(began)
		switch {
		case err != nil:
			return 0, err
		case r.status == 401:
			return took, nil
		case r.status != 200 || took > 10*time.Second || ctx.Err() != nil:
			return 0, errors.Join(fmt.Errorf("an ended session: status %d after %v", r.status, took), ctx.Err())
		}
	}
}

// keepAsking is one member after the other until done is closed; each is
// served.
func keepAsking(addr string, members []session, done <-chan struct{}, served *int) error {
	w, err := dial(addr)
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
			r, err := w.ask(browserRequest("GET", smallPath, s.cookie(), ""), nil)
			if err != nil || r.status != 200 {
				return unexpected("a bystander", r, err)
			}
			*served++
		}
	}
}
