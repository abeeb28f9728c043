// Package redischecks holds the doctor's checks of Redis: what it finds there, and
// what to do about it.
package redischecks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

// Of are checks of the Redis of source, by its client rdb, that change nothing in
// it. They need no more rights than the product has: what such an account may not
// ask is reported as not asked.
func Of(source *redisconn.Source, rdb redis.UniversalClient, now func() time.Time) []doctor.Check {
	e := &examination{source: source, rdb: rdb, now: now, info: map[string]map[string]string{}}
	checks := []doctor.Check{
		{Name: "redis.reachable", First: true, Ask: e.reachable},
		{Name: "redis.version", Ask: e.version},
		{Name: "redis.tls", Ask: func(context.Context) (doctor.Result, error) { return judgeTLS(source.URL()), nil }},
		{Name: "redis.rights", Ask: e.rights},
		{Name: "redis.writable", Ask: e.writable},
		{Name: "redis.eviction", Ask: e.each(judgeEviction)},
		{Name: "redis.memory", Ask: e.each(judgeMemory)},
		{Name: "redis.persistence", Ask: e.each(judgePersistence)},
		{Name: "redis.replication", Ask: e.each(judgeReplication)},
	}
	switch e.source.Topology() {
	case redisconn.Cluster:
		checks = append(checks, doctor.Check{Name: "redis.cluster", Ask: e.cluster})
	case redisconn.Sentinel:
		checks = append(checks, doctor.Check{Name: "redis.sentinel", Ask: e.sentinel})
	case redisconn.Server:
	}
	return append(checks, doctor.Check{Name: "redis.clock", Ask: e.clock})
}

// examination is one round of checks.
type examination struct {
	source *redisconn.Source
	rdb    redis.UniversalClient
	now    func() time.Time
	info   map[string]map[string]string // INFO of each node that was read
}

// node is a server that is written to: the one there is, or a Cluster's master.
type node struct {
	name string
	*redis.Client
}

func (e *examination) nodes(ctx context.Context) (nodes []node, err error) {
	cluster, ok := e.rdb.(*redis.ClusterClient)
	if !ok {
		return []node{{"the server", e.rdb.(*redis.Client)}}, nil
	}
	var mu sync.Mutex
	err = cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node{c.Options().Addr, c})
		return nil
	})
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.name, b.name) })
	return nodes, err
}

// facts are what a judgement needs of a node: INFO, and CONFIG GET where it may
// be asked, as few hosted servers let it be.
type facts struct {
	info, config map[string]string
	topology     redisconn.Topology
}

// each judges all nodes and gives the worst, with the nodes' names where they
// differ.
func (e *examination) each(judge func(facts) doctor.Result) func(context.Context) (doctor.Result, error) {
	return func(ctx context.Context) (doctor.Result, error) {
		return e.onEach(ctx, func(n node) (doctor.Result, error) {
			info, err := e.infoOf(ctx, n)
			if redis.IsPermissionError(err) {
				return doctor.Result{Fix: "Let it for as long as this takes: ACL SETUSER … +info. Or look with redis-cli INFO as the administrator."}, errors.New("the account may not ask INFO")
			}
			if err != nil {
				return doctor.Result{}, err
			}
			return judge(facts{info, configOf(ctx, n), e.source.Topology()}), nil
		})
	}
}

func (e *examination) onEach(ctx context.Context, ask func(node) (doctor.Result, error)) (doctor.Result, error) {
	nodes, err := e.nodes(ctx)
	if err != nil {
		return doctor.Result{}, err
	}
	results := make([]doctor.Result, len(nodes))
	var states []doctor.State
	for i, n := range nodes {
		r, err := ask(n)
		if err != nil && (len(nodes) == 1 || redis.IsPermissionError(err)) {
			return r, err
		}
		if err != nil {
			r.State, r.Found = doctor.Unknown, err.Error()
		}
		results[i] = r
		states = append(states, r.State)
	}
	return together(nodes, results, doctor.Worst(states...)), nil
}

// together is the worst of results, with the names of the nodes that have it.
func together(nodes []node, results []doctor.Result, worst doctor.State) doctor.Result {
	var all doctor.Result
	var lines []string
	for i, r := range results {
		if r.State != worst {
			continue
		}
		if len(lines) == 0 {
			all = r
		}
		lines = append(lines, nodes[i].name+": "+r.Found)
	}
	same := !slices.ContainsFunc(results, func(r doctor.Result) bool { return r.Found != all.Found })
	switch {
	case len(nodes) == 1:
	case same:
		all.Found += fmt.Sprintf(", on all %d masters", len(nodes))
	default:
		all.Found = strings.Join(lines, "; ")
	}
	return all
}

func (e *examination) infoOf(ctx context.Context, n node) (map[string]string, error) {
	if known, ok := e.info[n.name]; ok {
		return known, nil
	}
	text, err := n.Info(ctx).Result()
	if err != nil {
		return nil, err
	}
	e.info[n.name] = colonLines(text)
	return e.info[n.name], nil
}

func colonLines(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			found[name] = value
		}
	}
	return found
}

// configOf reads the settings that the server shows, which may be none.
func configOf(ctx context.Context, n node) map[string]string {
	found := map[string]string{}
	for _, name := range []string{"appendfsync", "save", "min-replicas-to-write", "cluster-require-full-coverage"} {
		// One that is refused is refused for all.
		values, err := n.ConfigGet(ctx, name).Result()
		if err != nil {
			break
		}
		if value, ok := values[name]; ok {
			found[name] = value
		}
	}
	return found
}

func (e *examination) reachable(ctx context.Context) (doctor.Result, error) {
	err := e.rdb.Ping(ctx).Err()
	if err == nil || redis.IsPermissionError(err) {
		return doctor.Result{State: doctor.OK, Found: e.where() + " answers"}, nil
	}
	r := doctor.Result{State: doctor.Problem, Found: fmt.Sprintf("%s: %v", e.where(), err), Fix: "Look at the server's own log."}
	switch {
	case redis.IsAuthError(err), strings.HasPrefix(err.Error(), "WRONGPASS"):
		r.Fix = "Put the user and the password into REDIS_URL: redis://user:password@host:6379, signs in the password percent-encoded."
	case strings.Contains(err.Error(), "certificate"):
		r.Fix = "REDIS_TLS_CA names a file with the authority that vouches for the server, REDIS_TLS_CERT and REDIS_TLS_KEY the client's own if it wants one; the host in REDIS_URL must be in the server's."
	case strings.Contains(err.Error(), "cluster support disabled"):
		r.Fix = "It is not a node of a Cluster: take ?addr= out of REDIS_URL, or correct the host."
	case redis.IsLoadingError(err):
		r.Fix = "It reads its file after a start: wait until it has."
	case redis.IsClusterDownError(err):
		r.Fix = "CLUSTER INFO at a node says how many slots are not served; operations.md says what to do about it."
	case e.source.Topology() == redisconn.Sentinel:
		r.Fix = "See that the Sentinels of REDIS_URL run and know a set of the name that master_name says (SENTINEL MASTERS), with its password in ?password=."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded): // ours, and the connection's
		r.Fix = "It takes connections and does not answer, or a firewall drops packets: look whether it hangs, and whether it wants rediss://."
	default:
		if _, dialed := errors.AsType[*net.OpError](err); dialed {
			r.Fix = "Start it, or correct host, port and scheme (rediss:// for TLS) in REDIS_URL; a firewall or NetworkPolicy may be in between."
		}
	}
	return r, nil
}

func (e *examination) where() string { return e.source.Host() }

// Redis has what the scripts use from here on (ZRANGE BYSCORE, XTRIM MINID).
var oldestRedis = [2]int{6, 2}

func (e *examination) version(ctx context.Context) (doctor.Result, error) {
	return e.onEach(ctx, func(n node) (doctor.Result, error) {
		hello, err := helloOf(ctx, n)
		if err != nil {
			return doctor.Result{Fix: "Redis since 6 knows HELLO, and the account needs +hello +client|setname."}, err
		}
		return judgeVersion(hello, e.source.Topology()), nil
	})
}

// helloOf is what HELLO says: it is among the rights that the product has.
func helloOf(ctx context.Context, n node) (map[string]string, error) {
	answer, err := n.Do(ctx, "HELLO").Result()
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	switch pairs := answer.(type) {
	case map[any]any:
		for name, value := range pairs {
			found[fmt.Sprint(name)] = fmt.Sprint(value)
		}
	case []any: // RESP 2
		for i := 0; i+1 < len(pairs); i += 2 {
			found[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
		}
	}
	return found, nil
}

func judgeVersion(hello map[string]string, expected redisconn.Topology) doctor.Result {
	found := strings.TrimSpace(hello["server"] + " " + hello["version"])
	parts := append(strings.Split(hello["version"], "."), "", "")
	major, err := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	switch {
	case hello["mode"] == "sentinel":
		return doctor.Result{State: doctor.Problem, Found: "REDIS_URL leads to a Sentinel, and is read as that of a server", Fix: "Add ?master_name= and the name of the set."}
	case hello["mode"] == "cluster" && expected == redisconn.Server:
		return doctor.Result{State: doctor.Problem, Found: "REDIS_URL names one node of a Cluster, and is read as that of a server", Fix: "Add ?addr=host:port for each further node; a lone node names itself again."}
	case err != nil:
		return doctor.Result{State: doctor.Warning, Found: fmt.Sprintf("the version of %q is not known", found), Fix: "Use Redis or Valkey, version 6.2 or newer."}
	case major < oldestRedis[0] || major == oldestRedis[0] && minor < oldestRedis[1]:
		return doctor.Result{State: doctor.Problem, Found: found + " is too old for the scripts", Fix: "Use Redis or Valkey, version 6.2 or newer."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}
