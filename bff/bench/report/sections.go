package report

import (
	"fmt"
	"io"

	"github.com/gatehouse-bff/gatehouse/bff/bench/load"
)

// Flood is what people at work notice of 32 clients that hammer sign-in with
// wrong passwords, which are hashed at cost 12.
type Flood struct {
	Quiet  load.Spread `json:"quiet"`
	Flood  load.Spread `json:"flood"`
	Ratio  float64     `json:"p99_ratio"` // the median over rounds
	Judged int         `json:"judged"`
	Busy   load.Spread `json:"refused_as_busy"`
}

// Followed is revocations told to so many instances.
type Followed struct {
	Followers int `json:"followers"`
	// From when a revocation is handed to the store until the last follower
	// has it.
	load.Spread
	PerSecond float64 `json:"per_second"`
	RedisCPU  float64 `json:"redis_cpu_us"`
	OwnCPU    float64 `json:"own_cpu_us"`
}

// Refreshes is what POST /api/auth/refresh costs, from outside.
type Refreshes struct {
	load.Spread
	PerSecond     float64 `json:"per_second"`
	CPU           float64 `json:"cpu_us"`
	PerCoreSecond float64 `json:"per_core_second"` // of Gatehouse; Redis and MariaDB have another core
}

// Bursts is browsers whose tabs all wake up at once.
type Bursts struct {
	Tabs      int         `json:"tabs"`
	All       load.Spread `json:"until_the_last_tab"`
	PerSecond float64     `json:"answers_per_second"`
}

// Revocation is how long an ended session is still served elsewhere.
type Revocation struct {
	load.Spread
	Bystanders float64 `json:"bystanders_per_second"`
}

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

// StoreRefreshes is what renewals are to Redis, without the rest of them.
type StoreRefreshes struct {
	Count         int     `json:"count"`
	PerSecond     float64 `json:"per_second"`
	RedisCPU      float64 `json:"redis_cpu_us"`
	PerCoreSecond float64 `json:"per_core_second"` // of Redis
	Busy          float64 `json:"redis_busy"`
}

// Transfers is what the peak of Gatehouse's memory grows by while it forwards
// large bodies.
type Transfers struct {
	Bytes     int64   `json:"bytes_each_way"`
	Growth    int64   `json:"growth_bytes"`
	PerSecond float64 `json:"bytes_per_second"`
}

// Sockets is what WebSockets on which nothing happens take of Gatehouse.
type Sockets struct {
	Count int     `json:"count"`
	Each  float64 `json:"bytes_each"`
	Note  string  `json:"note,omitempty"`
}
