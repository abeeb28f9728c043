package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// Scale is what instances share: how much of a Redis each thing takes, and what
// follows from that on paper.
type Scale struct {
	Refreshes StoreRefreshes `json:"renewals"`
	Session   float64        `json:"session_bytes"`
	Followers []Followed     `json:"followers"`
	// What one revocation costs by the number of followers: Redis, and this
	// process, which is all the followers and the one who announces.
	Stream Line       `json:"redis_cpu_us_per_revocation"`
	Own    Line       `json:"own_cpu_us_per_revocation"`
	Paper  []Capacity `json:"on_paper"`
}

var fleets = []int{1, 4, 16}

// scale has a Redis of its own, on the core of what is measured.
func (r *run) scale() (out Scale, err error) {
	dir := filepath.Join(r.dir, "redis-scale")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return out, err
	}
	if err := PinSelf(r.cores.Proxy); err != nil { // the child's from its start
		return out, err
	}
	redis, err := servertest.StartRedis(r.ctx, dir)
	if err = errors.Join(err, PinSelf(r.cores.Load)); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, redis.Stop()) }()
	sessions, each, err := weighSessions(r.ctx, redis, r.plan.stored)
	if err != nil {
		return out, err
	}
	out.Session = each
	if out.Refreshes, err = refreshInStore(r.ctx, redis, sessions, r.plan.storing); err != nil {
		return out, err
	}
	var n, theirs, own []float64
	for _, instances := range fleets {
		f, err := announceTo(r.ctx, redis, instances, r.plan.telling)
		if err != nil {
			return out, err
		}
		out.Followers = append(out.Followers, f)
		n, theirs, own = append(n, float64(instances)), append(theirs, f.RedisCPU), append(own, f.OwnCPU)
	}
	out.Stream, out.Own = FitLine(n, theirs), FitLine(n, own)
	costs := UnitCosts{Refresh: out.Refreshes.RedisCPU, Stream: out.Stream, Session: out.Session}
	if r.Report.Refreshes != nil {
		costs.PerCore = r.Report.Refreshes.PerCoreSecond
	}
	for _, instances := range fleets {
		out.Paper = append(out.Paper, OnPaper(costs, instances))
	}
	return out, nil
}

func openStore(ctx context.Context, redis *servertest.RedisServer) (*redisstore.Store, error) {
	return redisstore.Open(ctx, redisstore.Config{URL: redis.URL, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// redisCPU is what Redis has used so far, with the writing of its file.
func redisCPU(ctx context.Context, redis *servertest.RedisServer) (time.Duration, error) {
	info, err := redis.Info(ctx, "cpu")
	return time.Duration((info["used_cpu_user"] + info["used_cpu_sys"]) * float64(time.Second)), err
}

// redisBytes is what Redis holds, without the buffer of its file, which comes
// and goes.
func redisBytes(ctx context.Context, redis *servertest.RedisServer) (float64, error) {
	info, err := redis.Info(ctx, "memory")
	return info["used_memory"] - info["mem_aof_buffer"], err
}

func (s *Scale) print(out io.Writer) {
	if s == nil {
		return
	}
	fmt.Fprintln(out, "\nScale: what instances share, a Redis of its own on one core")
	w := table(out)
	fmt.Fprintf(w, "renewals in the store\t%.0f/s\t%.1f µs of Redis each, %.0f/s of one core of Redis; its core busy %.0f %%\t\n",
		s.Refreshes.PerSecond, s.Refreshes.RedisCPU, s.Refreshes.PerCoreSecond, 100*s.Refreshes.Busy)
	fmt.Fprintf(w, "a session\t%.0f bytes\tof Redis, with its place in the index\t\n", s.Session)
	for _, f := range s.Followers {
		fmt.Fprintf(w, "revocations, followers: %d\t%.0f/s\tthe last has it after p50 %.2f ms, p99 %.2f ms; %.0f µs of Redis each, %.0f µs of this process\t\n",
			f.Followers, f.PerSecond, f.P50/1000, f.P99/1000, f.RedisCPU, f.OwnCPU)
	}
	fmt.Fprintf(w, "a revocation to N\t\tµs of Redis: %.1f + %.1f × N; of the followers: %.1f each\t\n", s.Stream.Base, s.Stream.Each, s.Own.Each)
	w.Flush()
	fmt.Fprintf(out, "\nOn paper, instances of %d cores on one Redis\n", coresEach)
	w = table(out)
	fmt.Fprintf(w, "instances\trenewals/s they carry\tRedis carries\tthe wall\tpeople at work\trevocations/s for %.0f %% of Redis\t1 M sessions, MiB\t\n", 100*streamShare)
	for _, c := range s.Paper {
		carried, wall := "–", "–"
		if c.Wall != "" {
			carried, wall = fmt.Sprintf("%.0f", c.Carried), c.Wall
		}
		fmt.Fprintf(w, "%d\t%s\t%.0f\t%s\t%.1f M\t%.0f\t%.0f\t\n", c.Instances, carried, c.Redis, wall, c.People/1e6, c.Revocations, c.Memory/mebi)
	}
	w.Flush()
}
