package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// slots is how many parts the keys of a Redis Cluster fall into.
const slots = 16384

// RedisCluster is a Redis Cluster of masters, each of which has its share of the
// slots, and of one replica for each or none. Without replicas a master that
// ends takes its share along; the others go on.
type RedisCluster struct {
	Masters []*RedisServer
	// Replicas has the replica of each master at the master's place, or nothing.
	Replicas []*RedisServer
	// URL is redis://first?addr=second&addr=third, of the masters; a lone master
	// names itself again.
	URL string
}

// StartRedisCluster starts that many masters, each with a replica or without,
// with their files below dir, which must exist. The two seconds it takes are
// Redis' own: a new cluster takes no writes at first. ctx bounds the start only.
func StartRedisCluster(ctx context.Context, dir string, masters int, replicated bool) (*RedisCluster, error) {
	return startRedisCluster(ctx, dir, plain(), masters, replicated)
}

func startRedisCluster(ctx context.Context, dir string, w wire, masters int, replicated bool) (_ *RedisCluster, err error) {
	c := &RedisCluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	nodes := masters
	if replicated {
		nodes = 2 * masters
	}
	var buses []int
	for i := range nodes {
		home := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(home, 0o700); err != nil {
			return nil, err
		}
		bus, err := freePort() // the default is the port + 10,000, which may be taken
		if err != nil {
			return nil, err
		}
		s, err := startRedis(ctx, home, w,
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(bus),
			"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no",
			"--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0")
		if err != nil {
			return nil, err
		}
		if buses = append(buses, bus); i < masters {
			c.Masters = append(c.Masters, s)
		} else {
			c.Replicas = append(c.Replicas, s)
		}
	}
	for i, s := range c.all() {
		commands := []string{fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1)}
		if i < masters {
			commands = append(commands, fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*slots/masters, (i+1)*slots/masters-1))
		}
		if i > 0 {
			commands = append(commands, fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %d", c.Masters[0].port, buses[0]))
		}
		for _, command := range commands {
			if err := redisDo(ctx, s.socket, command); err != nil {
				return nil, err
			}
		}
	}
	first := c.Masters[0].Addr()
	var others []string
	for _, s := range c.Masters[min(1, masters-1):] {
		others = append(others, "addr="+s.Addr())
	}
	c.URL = w.scheme + "://" + first + "?" + strings.Join(others, "&")
	if err := c.Wait(ctx); err != nil {
		return nil, err
	}
	return c, c.replicate(ctx)
}

func (c *RedisCluster) all() []*RedisServer { return slices.Concat(c.Masters, c.Replicas) }

// replicate gives each replica its master, and waits until it has a copy.
func (c *RedisCluster) replicate(ctx context.Context) error {
	for i, s := range c.Replicas {
		id, err := redisAsk(ctx, c.Masters[i].socket, "CLUSTER MYID")
		if err != nil {
			return err
		}
		if err := redisDo(ctx, s.socket, "CLUSTER REPLICATE "+id); err != nil {
			return err
		}
	}
	for _, s := range c.Replicas {
		if err := s.says(ctx, "INFO replication", "master_link_status:up"); err != nil {
			return err
		}
	}
	return nil
}

// Wait waits until every node knows all the masters, and all the slots, to be
// there.
func (c *RedisCluster) Wait(ctx context.Context) error {
	for _, s := range c.all() {
		if err := s.says(ctx, "CLUSTER INFO", "cluster_state:ok", fmt.Sprintf("cluster_slots_ok:%d\r", slots),
			fmt.Sprintf("cluster_size:%d\r", len(c.Masters)), fmt.Sprintf("cluster_known_nodes:%d\r", len(c.all()))); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends every node.
func (c *RedisCluster) Stop() error {
	var errs []error
	for _, s := range c.all() {
		errs = append(errs, s.Stop())
	}
	return errors.Join(errs...)
}

// Cluster starts a Redis Cluster for this test alone; that takes two to three
// seconds.
func Cluster(tb testing.TB, masters int) *ClusterHandle {
	tb.Helper()
	return startCluster(tb, plain(), masters, false)
}

// ReplicatedCluster starts a Redis Cluster whose masters have a replica each: it
// gets over the death of one within five seconds or so.
func ReplicatedCluster(tb testing.TB, masters int) *ClusterHandle {
	tb.Helper()
	return startCluster(tb, plain(), masters, true)
}

func startCluster(tb testing.TB, w wire, masters int, replicated bool) *ClusterHandle {
	tb.Helper()
	c, err := startRedisCluster(tb.Context(), tempDir(tb), w, masters, replicated)
	if err != nil {
		unavailable(tb, err)
	}
	h := &ClusterHandle{URL: c.URL, tb: tb, c: c}
	for _, s := range c.Masters {
		h.Masters = append(h.Masters, &RedisHandle{Handle{tb, s.process}, s.URL})
	}
	for _, s := range c.Replicas {
		h.Replicas = append(h.Replicas, &RedisHandle{Handle{tb, s.process}, s.URL})
	}
	tb.Cleanup(func() { (&Handle{tb: tb}).must(c.Stop()) })
	return h
}

// ClusterHandle is a Redis Cluster in the hands of a test.
type ClusterHandle struct {
	Masters []*RedisHandle
	// Replicas has the replica of each master at the master's place, or nothing.
	Replicas []*RedisHandle
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

// CatchUp waits until the replica of a master has all that the master has, which
// nothing may go on writing to.
func (h *ClusterHandle) CatchUp(master int) {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(caughtUp(h.tb.Context(), h.c.Masters[master], h.c.Replicas[master]))
}

// AwaitTakeover waits until the replica of a master that has died is the master.
func (h *ClusterHandle) AwaitTakeover(master int) {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(h.c.Replicas[master].says(h.tb.Context(), "INFO replication", "role:master"))
}

// AwaitReplica waits until a master whose replica has taken over, and which is
// back, follows that one.
func (h *ClusterHandle) AwaitReplica(master int) {
	h.tb.Helper()
	(&Handle{tb: h.tb}).must(h.c.Masters[master].says(h.tb.Context(), "INFO replication", "role:slave", "master_link_status:up"))
}
