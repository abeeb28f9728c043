package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/filestore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// weighSessions gives what a session takes of Redis, with its share of the
// tables there. Each is somebody else's: whoever has several saves on the index.
func weighSessions(ctx context.Context, redis *servertest.RedisServer, n int) (sessions []session.Record, each float64, err error) {
	// The first one has the scripts loaded.
	if _, err := storeSessions(ctx, redis, 1); err != nil {
		return nil, 0, err
	}
	empty, err := redisBytes(ctx, redis)
	if err != nil {
		return nil, 0, err
	}
	if sessions, err = storeSessions(ctx, redis, n); err != nil {
		return nil, 0, err
	}
	full, err := redisBytes(ctx, redis)
	return sessions, (full - empty) / float64(n), err
}

// storeSessions leaves no connection behind: its buffers would weigh as much as
// 60 sessions.
func storeSessions(ctx context.Context, redis *servertest.RedisServer, n int) (sessions []session.Record, err error) {
	store, err := openStore(ctx, redis)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	sessions = make([]session.Record, n)
	return sessions, load.AtOnce(min(n, workers), func(i int) error {
		for k := i; k < n; k += workers {
			sessions[k] = stored(time.Now())
			if _, err := store.Create(ctx, sessions[k]); err != nil {
				return err
			}
		}
		return nil
	})
}

// refreshInStore renews sessions for a while as an instance does that is asked
// to: limit, read, compare-and-swap.
func refreshInStore(ctx context.Context, redis *servertest.RedisServer, sessions []session.Record, lasting time.Duration) (out report.StoreRefreshes, err error) {
	store, err := openStore(ctx, redis)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	limits := store.Limits(filestore.NewLimits(time.Now))
	before, err := redisCPU(ctx, redis)
	if err != nil {
		return out, err
	}
	counts := make([]int, workers)
	began := time.Now()
	err = load.AtOnce(workers, func(i int) error {
		for {
			for k := i; k < len(sessions); k += workers {
				if time.Since(began) > lasting {
					return nil
				}
				if err := refreshStored(ctx, store, limits, sessions[k].UserID, sessions[k].ID); err != nil {
					return err
				}
				counts[i]++
			}
		}
	})
	if err != nil {
		return out, err
	}
	elapsed := time.Since(began)
	after, err := redisCPU(ctx, redis)
	if err != nil {
		return out, err
	}
	for _, c := range counts {
		out.Count += c
	}
	used := after - before
	out.PerSecond, out.Busy = float64(out.Count)/elapsed.Seconds(), used.Seconds()/elapsed.Seconds()
	out.RedisCPU = load.Micros(used) / float64(out.Count)
	out.PerCoreSecond = report.PerSecondOf(1, out.RedisCPU)
	return out, nil
}

// refreshStored is what a renewal asks of Redis.
func refreshStored(ctx context.Context, store *redisstore.Store, limits auth.Limiter, userID, id string) error {
	if wait, err := limits.Take(ctx, "refresh:"+id, auth.DefaultLimits.Refresh); err != nil || wait > 0 {
		return errors.Join(fmt.Errorf("a renewal has to wait %v", wait), err)
	}
	old, err := store.Get(ctx, userID, id)
	if err != nil {
		return err
	}
	next, now := old, time.Now()
	next.Generation++
	next.IssuedAt, next.ReceivedAt, next.LastSeenAt, next.IdleEnd = now.Truncate(time.Second), now, now, now.Add(168*time.Hour)
	return store.Swap(ctx, old, next)
}

// stored is somebody's session as Redis sees many of them.
func stored(now time.Time) session.Record {
	return session.Record{
		ID: rand.Text(), UserID: rand.Text(),
		Account:   session.Account{Email: "ada.lovelace@example.com", Name: "Ada Lovelace", Role: session.RoleUser, CreatedAt: now.Add(-1000 * time.Hour)},
		CreatedAt: now, AbsoluteEnd: now.Add(2160 * time.Hour), Generation: 1, IssuedAt: now.Truncate(time.Second),
		IdleEnd: now.Add(168 * time.Hour), ReceivedAt: now, LastSeenAt: now, IP: "203.0.113.178",
		UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
	}
}
