package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/auth/authtest"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// Sentinel moves the sessions to a replica; nobody is told that a session is
// gone, and followers go on. Most of the time goes by until Sentinel has heard
// of the replica, which takes it ten seconds.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	master, replica := servertest.Redis(t), servertest.Redis(t)
	onReplica := replicate(t, master, replica)
	sentinel, addr := startSentinel(t, master.Addr())

	s := open(t, "redis://"+addr+"?master_name=sessions", time.Now)
	x := typical("u", "s", time.Now())
	must(t, s.Create(t.Context(), x))
	f := authtest.Follow(t, s, time.Hour)
	before := revocation(typical("u", "before", time.Now()), time.Now())
	must(t, s.End(t.Context(), before))
	f.Hear(t, before)
	eventually(t, "sentinel knows the replica", func() error {
		known, err := sentinel.Replicas(t.Context(), "sessions").Result()
		if err == nil && len(known) != 1 {
			err = fmt.Errorf("it knows %d", len(known))
		}
		return err
	})
	eventually(t, "the replica has it all", func() error { return onReplica.Get(t.Context(), "refresh:{u}:s").Err() })

	master.Kill()
	down := time.Now()
	eventually(t, "the replica has taken over", func() error {
		if _, err := s.Get(t.Context(), "u", "s"); err != nil {
			if errors.Is(err, auth.ErrNoSession) {
				t.Fatal("told that the session is gone, during a failover")
			}
			return err
		}
		return s.Swap(t.Context(), x, x)
	})
	t.Logf("away for %v", time.Since(down))
	after := revocation(x, time.Now())
	must(t, s.End(t.Context(), after))
	f.Hear(t, after)
}

// replicate makes one server the replica of the other and gives a client of it.
func replicate(t *testing.T, master, replica *servertest.RedisHandle) *redis.Client {
	t.Helper()
	// By default a master waits five seconds for further replicas, and at its
	// end for those it has.
	must(t, raw(t, master.URL).ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err())
	t.Cleanup(master.Kill)
	t.Cleanup(replica.Kill)
	host, port, _ := net.SplitHostPort(master.Addr())
	c := raw(t, replica.URL)
	must(t, c.Do(t.Context(), "REPLICAOF", host, port).Err())
	return c
}

func startSentinel(t *testing.T, master string) (*redis.SentinelClient, string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	must(t, err)
	host, port, _ := net.SplitHostPort(master)
	addr := freeAddr(t)
	_, own, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	config := filepath.Join(dir, "sentinel.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor sessions %s %s 1\n"+
		"sentinel down-after-milliseconds sessions 500\nsentinel failover-timeout sessions 5000\n", own, dir, host, port), 0o600))
	cmd := exec.Command(program, config, "--sentinel")
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := redis.NewSentinelClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	eventually(t, "the sentinel answers", func() error { return c.Ping(context.Background()).Err() })
	return c, addr
}
