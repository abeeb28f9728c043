package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// slots is how many parts the keys of a Redis Cluster fall into.
const slots = 16384

// RedisCluster is a Redis Cluster of masters alone, each of which has its share
// of the slots. One that ends takes its share along; the others go on.
type RedisCluster struct {
	Masters []*RedisServer
	// URL is redis://first?addr=second&addr=third; a lone master names itself
	// again.
	URL string
}

// StartRedisCluster starts that many masters with their files below dir, which
// must exist. The two seconds it takes are Redis' own: a new cluster takes no
// writes at first. ctx bounds the start only.
func StartRedisCluster(ctx context.Context, dir string, masters int) (_ *RedisCluster, err error) {
	c := &RedisCluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	var buses []int
	for i := range masters {
		home := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(home, 0o700); err != nil {
			return nil, err
		}
		bus, err := freePort() // the default is the port + 10,000, which may be taken
		if err != nil {
			return nil, err
		}
		s, err := startRedis(ctx, home,
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(bus),
			"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no")
		if err != nil {
			return nil, err
		}
		c.Masters, buses = append(c.Masters, s), append(buses, bus)
	}
	for i, s := range c.Masters {
		commands := []string{
			fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1),
			fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*slots/masters, (i+1)*slots/masters-1),
		}
		if i > 0 {
			commands = append(commands, fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %d", c.Masters[0].port, buses[0]))
		}
		for _, command := range commands {
			if answer, err := redisAsk(ctx, s.socket, command); err != nil || answer != "+OK" {
				return nil, fmt.Errorf("redis cluster: %s: %q, %w", command, answer, err)
			}
		}
	}
	first := c.Masters[0].Addr()
	var others []string
	for _, s := range c.Masters[min(1, masters-1):] {
		others = append(others, "addr="+s.Addr())
	}
	c.URL = "redis://" + first + "?" + strings.Join(others, "&")
	return c, c.Wait(ctx)
}

// Wait waits until every master knows all the others, and all the slots, to be
// there.
func (c *RedisCluster) Wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for _, s := range c.Masters {
		for {
			info, err := redisAsk(ctx, s.socket, "CLUSTER INFO")
			if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r", slots)) &&
				strings.Contains(info, fmt.Sprintf("cluster_size:%d\r", len(c.Masters))) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("redis cluster: %w; %s says %q, %w", ctx.Err(), s.Addr(), info, err)
			case <-time.After(pollEvery):
			}
		}
	}
	return nil
}

// Stop ends every master.
func (c *RedisCluster) Stop() error {
	var errs []error
	for _, s := range c.Masters {
		errs = append(errs, s.Stop())
	}
	return errors.Join(errs...)
}

// Cluster starts a Redis Cluster for this test alone; that takes two to three
// seconds.
func Cluster(tb testing.TB, masters int) *ClusterHandle {
	tb.Helper()
	c, err := StartRedisCluster(tb.Context(), tempDir(tb), masters)
	if err != nil {
		unavailable(tb, err)
	}
	h := &ClusterHandle{URL: c.URL, tb: tb, c: c}
	for _, s := range c.Masters {
		h.Masters = append(h.Masters, &RedisHandle{Handle{tb, s.process}, s.URL})
	}
	tb.Cleanup(func() { (&Handle{tb: tb}).must(c.Stop()) })
	return h
}

// ClusterHandle is a Redis Cluster in the hands of a test.
type ClusterHandle struct {
	Masters []*RedisHandle
	// URL names every master, the same after every Start of one.
	URL string

	tb testing.TB
	c  *RedisCluster
}

// Wait waits until every master takes part again, after one was started.
func (h *ClusterHandle) Wait() {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(h.c.Wait(h.tb.Context()))
}
