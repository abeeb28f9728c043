package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// announceEvery is not so often that a follower reads two at once: what
// each of them costs is the most that it can cost.
const announceEvery = 2 * time.Millisecond

// announceTo has n followers, each with a store and a connection of its own,
// hear of revocations for a while.
func announceTo(ctx context.Context, redis *servertest.RedisServer, n int, lasting time.Duration) (out report.Followed, err error) {
	ctx, cancel := context.WithTimeout(ctx, lasting+rivals.Patience)
	defer cancel()
	stores := make([]*redisstore.Store, n+1)
	for i := range stores {
		if stores[i], err = openStore(ctx, redis); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, stores[i].Close()) }()
	}
	count := int(lasting / announceEvery)
	told, heard := make([]time.Time, count), make([][]time.Time, n)
	caughtUp, done := make(chan struct{}, n), make(chan struct{}, n)
	// What earlier fleets were told is told again.
	name := "fleet" + strconv.Itoa(n)
	out.Followers = n
	err = load.AtOnce(n+1, func(i int) error {
		if i == n {
			defer cancel()
			if err := arrivals(ctx, caughtUp, n); err != nil {
				return err
			}
			return measureCost(&out, ctx, redis, count, func() error {
				if err := announce(ctx, stores[n], name, told); err != nil {
					return err
				}
				return arrivals(ctx, done, n)
			})
		}
		heard[i] = make([]time.Time, count)
		left := count
		err := stores[i].Subscribe(ctx, time.Hour, session.Subscriber{Lost: func(time.Time) {}, CaughtUp: func() { caughtUp <- struct{}{} }, Revoked: func(r session.Revocation) {
			k, err := strconv.Atoi(r.SessionID)
			if r.UserID != name || err != nil || !heard[i][k].IsZero() {
				return
			}
			heard[i][k] = time.Now()
			if left--; left == 0 {
				done <- struct{}{}
			}
		}})
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	if err != nil {
		return out, err
	}
	out.Spread = load.SpreadOf(untilTheLast(told, heard))
	return out, nil
}

// arrivals waits for n.
func arrivals(ctx context.Context, of <-chan struct{}, n int) error {
	for i := range n {
		select {
		case <-of:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d followers: %w", i, n, ctx.Err())
		}
	}
	return nil
}

// announce fills in when each was.
func announce(ctx context.Context, s *redisstore.Store, name string, told []time.Time) error {
	began := time.Now()
	for i := range told {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(began.Add(time.Duration(i) * announceEvery))):
		}
		told[i] = time.Now()
		r := session.Revocation{UserID: name, SessionID: strconv.Itoa(i), Reason: session.ReasonSignOut, At: told[i]}
		if err := s.Publish(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// measureCost is that of do, which is about count revocations, for each.
func measureCost(f *report.Followed, ctx context.Context, redis *servertest.RedisServer, count int, do func() error) error {
	theirs, err := redisCPU(ctx, redis)
	if err != nil {
		return err
	}
	own, err := rivals.OwnCPU()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	f.PerSecond = float64(count) / time.Since(began).Seconds()
	ownAfter, err := rivals.OwnCPU()
	if err != nil {
		return err
	}
	theirsAfter, err := redisCPU(ctx, redis)
	f.RedisCPU, f.OwnCPU = load.Micros(theirsAfter-theirs)/float64(count), load.Micros(ownAfter-own)/float64(count)
	return err
}

// untilTheLast is, for each revocation, how long the slowest took.
func untilTheLast(told []time.Time, heard [][]time.Time) []time.Duration {
	took := make([]time.Duration, len(told))
	for _, times := range heard {
		for k, at := range times {
			took[k] = max(took[k], at.Sub(told[k]))
		}
	}
	return took
}
