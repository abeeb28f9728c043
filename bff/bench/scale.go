package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/bench/report"
	"github.com/gatehouse-bff/gatehouse/bff/bench/rivals"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

var fleets = []int{1, 4, 16}

// scale has a Redis of its own, on the core of what is measured.
func (r *run) scale() (out report.Scale, err error) {
	dir := filepath.Join(r.dir, "redis-scale")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return out, err
	}
	if err := rivals.PinSelf(r.cores.Proxy); err != nil { // the child's from its start
		return out, err
	}
	redis, err := servertest.StartRedis(r.ctx, dir)
	if err = errors.Join(err, rivals.PinSelf(r.cores.Load)); err != nil {
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
	out.Stream, out.Own = report.FitLine(n, theirs), report.FitLine(n, own)
	costs := report.UnitCosts{Refresh: out.Refreshes.RedisCPU, Stream: out.Stream, Session: out.Session}
	if r.Report.Refreshes != nil {
		costs.PerCore = r.Report.Refreshes.PerCoreSecond
	}
	for _, instances := range fleets {
		out.Paper = append(out.Paper, report.OnPaper(costs, instances))
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
