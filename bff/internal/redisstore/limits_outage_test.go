package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session/sessiontest"
)

// While Redis is away each instance counts by itself, without an error and
// without a delay; when it is back they count together again.
func TestLimitsThroughOutages(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	l, log := logged(t, server.URL, clock)
	other, _ := logged(t, server.URL, clock)
	again(t, l, other)

	for name, o := range map[string]struct{ away, back func() }{
		"killed":  {server.Kill, server.Start},
		"stopped": {server.Stop, server.Start},
		"hung":    {server.Pause, server.Resume},
	} {
		clock.Advance(time.Hour)
		before, known := log.count("alone"), log.count("shared again")
		o.away()
		must(t, counting(l, name+", here"))
		clock.Advance(time.Minute) // and still no further line
		for range 5 {
			_, err := l.Attempt(t.Context(), name+", elsewhere")
			must(t, err)
		}
		if n := log.count("alone") - before; n != 1 {
			t.Errorf("%s: %d lines of log for one outage", name, n)
		}
		o.back()
		again(t, l, other)
		// A success forgives also what memory has counted.
		must(t, l.Forget(t.Context(), name+", here"))
		if n := log.count("shared again") - known; n != 1 {
			t.Errorf("%s: said %d times that the outage is over", name, n)
		}
	}
	clock.Advance(time.Hour)
	server.Stop()
	must(t, counting(l, "killed, here"))
	if wait, err := l.Attempt(t.Context(), "killed, elsewhere"); err != nil || wait > 0 {
		t.Errorf("failures of an outage an hour ago: wait %v, %v", wait, err)
	}
	if wait, err := l.Attempt(t.Context(), "killed, elsewhere"); err != nil || wait == 0 {
		t.Errorf("failures of the last outage are not remembered: %v", err)
	}
}

// Traffic goes on while Redis is killed under it and comes back.
func TestLimitsKilledMidway(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	l := limitsOf(t, server.URL, time.Now)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("%d of %d", n, worker)
				_, err1 := l.Take(t.Context(), key, minute)
				wait, err2 := l.Attempt(t.Context(), key)
				if err := errors.Join(err1, err2, l.Undo(t.Context(), key), l.Forget(t.Context(), key)); err != nil || wait > 0 {
					t.Errorf("%s: wait %v, %v", key, wait, err)
					return
				}
			}
		})
	}
	other := limitsOf(t, server.URL, time.Now)
	for range 3 {
		again(t, l, other)
		server.Kill()
		must(t, counting(l, fmt.Sprint("away at ", time.Now())))
		server.Start()
	}
	again(t, l, other)
	stop()
	all.Wait()
}

// Of a Cluster that has lost a master half the calls fail. That once is a line
// of log for each of them, and another when the next call works.
func TestLimitsOfHalfACluster(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, 3)
	clock := sessiontest.NewClock()
	l, log := logged(t, c.URL, clock)
	other, _ := logged(t, c.URL, clock)
	again(t, l, other)
	c.Masters[0].Kill()
	sharedKeys := 0
	for n := range 20 {
		if shared(t, l, other, fmt.Sprint("both ", n)) == nil {
			sharedKeys++
		}
	}
	if sharedKeys == 0 || sharedKeys == 20 {
		t.Errorf("%d of 20 keys were shared, with a third of the Cluster away", sharedKeys)
	}
	if a, b := log.count("alone"), log.count("shared again"); a != 1 || b > 1 {
		t.Errorf("%d and %d lines of log", a, b)
	}
	clock.Advance(time.Minute)
	for n := range 20 {
		_, err := l.Attempt(t.Context(), fmt.Sprint("later ", n))
		must(t, err)
	}
	if a := log.count("alone"); a != 2 {
		t.Errorf("%d lines of log, want another one after a minute", a)
	}
	c.Masters[0].Start()
	c.Wait()
	for n := range 20 {
		eventually(t, "all keys are shared again", func() error {
			return shared(t, l, other, fmt.Sprintf("back %d %v", n, time.Now()))
		})
	}
}

// Sentinel moves the counts to a replica, and nobody is told of it.
func TestLimitsThroughAFailover(t *testing.T) {
	t.Parallel()
	servers := servertest.Sentinel(t)
	l, other := limitsOf(t, servers.URL, time.Now), limitsOf(t, servers.URL, time.Now)
	again(t, l, other)
	for range 5 {
		_, err := l.Attempt(t.Context(), "kept")
		must(t, err)
	}
	servers.CatchUp()
	servers.Master.Kill()
	again(t, l, other)
	time1, err1 := l.Attempt(t.Context(), "kept")
	time2, err2 := other.Attempt(t.Context(), "kept")
	if err1 != nil || err2 != nil || time1 > 0 || time2 == 0 {
		t.Errorf("five failures of before: waits %v and %v, %v, %v; want none and some", time1, time2, err1, err2)
	}
}

// A server that is up but answers with something else is as good as away.
func TestLimitsRefused(t *testing.T) {
	for _, reply := range []string{
		"-LOADING Redis is loading the dataset in memory",
		"-READONLY You can't write against a read only replica.",
		"-CLUSTERDOWN The cluster is down",
		"-NOPERM this user has no permissions to run the 'eval' command",
		"-OOM command not allowed when used memory > 'maxmemory'.",
		"-MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.",
		"-NOSCRIPT No matching script.",
		"-ERR something new",
		"+OK",
		"$-1",
		"HTTP/1.1 400 Bad Request",
		"",
	} {
		t.Run(reply, func(t *testing.T) {
			t.Parallel()
			l := limitsOf(t, "redis://"+answering(t, reply), time.Now)
			must(t, counting(l, "k"))
			must(t, l.Undo(t.Context(), "k"))
			must(t, l.Forget(t.Context(), "k"))
			wait, err := l.Attempt(t.Context(), "k") // all is forgotten
			if err != nil || wait > 0 {
				t.Errorf("wait %v, %v", wait, err)
			}
		})
	}
}

// A caller who leaves, or has little time, is no outage.
func TestLimitsOfACallerWhoLeaves(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t)
	clock := sessiontest.NewClock()
	l, log := logged(t, server.URL, clock)
	again(t, l, l)
	before := log.count("alone")
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Take(ctx, "k", minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the caller's own deadline", err)
	}
	if n := log.count("alone") - before; n != 0 {
		t.Errorf("an outage was told %d times", n)
	}
	if _, err := l.Attempt(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the caller's own deadline", err)
	}
}
