package redischecks

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

func judged(t *testing.T, what string, r doctor.Result, want doctor.State, text string) {
	t.Helper()
	if r.State != want || !strings.Contains(r.Found+" "+r.Fix, text) || (r.Fix == "") != (want == doctor.OK) {
		t.Errorf("%s: %+v, want %s, %q", what, r, want, text)
	}
}

// A command that only a script has would be refused on the day it is added.
func TestEveryCommandOfTheScriptsIsProbed(t *testing.T) {
	probed := map[string]bool{}
	for _, p := range probes(redisconn.Server) {
		probed[p.right] = true
	}
	called := map[string]bool{}
	files, err := filepath.Glob("../scripts*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../limits.go") {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`redis\.call\('([A-Z]+)'(?:, '([A-Z]+)')?`).FindAllStringSubmatch(string(source), -1) {
			name := "+" + strings.ToLower(m[1])
			if m[1] == "XINFO" {
				name += "|" + strings.ToLower(m[2])
			}
			called[name] = true
		}
	}
	if len(called) < 14 {
		t.Errorf("only %d commands were found: %q", len(called), slices.Sorted(maps.Keys(called)))
	}
	for name := range called {
		if !probed[name] {
			t.Errorf("no check asks for %s", name)
		}
	}
}

func TestVersionsOfServers(t *testing.T) {
	for _, c := range []struct {
		server, version, mode string
		topology              redisconn.Topology
		want                  doctor.State
	}{
		{"redis", "7.0.15", "standalone", redisconn.Server, doctor.OK},
		{"redis", "6.2.0", "standalone", redisconn.Server, doctor.OK},
		{"valkey", "8.1.0", "standalone", redisconn.Server, doctor.OK},
		{"redis", "6.0.16", "standalone", redisconn.Server, doctor.Problem},
		{"redis", "5.0.7", "standalone", redisconn.Server, doctor.Problem},
		{"redis", "", "standalone", redisconn.Server, doctor.Warning},
		{"redis", "7.0.15", "cluster", redisconn.Cluster, doctor.OK},
		{"redis", "7.0.15", "cluster", redisconn.Server, doctor.Problem},
		{"redis", "7.0.15", "sentinel", redisconn.Server, doctor.Problem},
	} {
		r := judgeVersion(map[string]string{"server": c.server, "version": c.version, "mode": c.mode}, c.topology)
		judged(t, fmt.Sprint(c), r, c.want, "")
	}
}

func TestTLSOfTheURL(t *testing.T) {
	for raw, want := range map[string]doctor.State{
		"redis://:canary@127.0.0.1:6379": doctor.OK, "redis://localhost": doctor.OK, "redis://[::1]:6379": doctor.OK,
		"redis://:canary@redis:6379": doctor.Warning, "rediss://:canary@redis:6379": doctor.OK, "rediss://redis?skip_verify=true": doctor.Warning,
	} {
		r := judgeTLS(raw)
		judged(t, raw, r, want, "")
		if strings.Contains(r.Found+r.Fix, "canary") {
			t.Errorf("the password is shown: %+v", r)
		}
	}
}

func TestPersistenceAndReplication(t *testing.T) {
	of := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for what, c := range map[string]struct {
		info, config map[string]string
		want         doctor.State
	}{
		"hosted, append-only": {of("aof_enabled", "1"), nil, doctor.OK},
		"failed":              {of("aof_enabled", "1", "aof_last_write_status", "err"), nil, doctor.Problem},
		"hosted, snapshots":   {of("aof_enabled", "0", "rdb_last_bgsave_status", "ok"), nil, doctor.Warning},
		"snapshots that fail": {of("aof_enabled", "0", "rdb_last_bgsave_status", "err"), of("save", "60 1"), doctor.Problem},
		"nothing":             {of("aof_enabled", "0"), of("save", ""), doctor.Problem},
		"another server":      {of(), nil, doctor.Unknown},
	} {
		judged(t, what, judgePersistence(facts{info: c.info, config: c.config}), c.want, "")
	}
	for what, c := range map[string]struct {
		info, config map[string]string
		topology     redisconn.Topology
		want         doctor.State
	}{
		"alone":                       {of("role", "master", "connected_slaves", "0"), nil, redisconn.Server, doctor.OK},
		"a Cluster's without replica": {of("role", "master", "connected_slaves", "0"), nil, redisconn.Cluster, doctor.Warning},
		"with one":                    {of("role", "master", "connected_slaves", "1"), of("min-replicas-to-write", "0"), redisconn.Sentinel, doctor.OK},
		"with two":                    {of("role", "master", "connected_slaves", "2"), of("min-replicas-to-write", "0"), redisconn.Sentinel, doctor.Warning},
		"with two, one of them asked": {of("role", "master", "connected_slaves", "2"), of("min-replicas-to-write", "1"), redisconn.Sentinel, doctor.OK},
		"with two, not told":          {of("role", "master", "connected_slaves", "2"), nil, redisconn.Sentinel, doctor.OK},
		"a replica":                   {of("role", "slave", "master_host", "m"), nil, redisconn.Server, doctor.Problem},
		"another server":              {of(), nil, redisconn.Server, doctor.Unknown},
	} {
		judged(t, what, judgeReplication(facts{c.info, c.config, c.topology}), c.want, "")
	}
	for part, want := range map[string]doctor.State{"74": doctor.OK, "75": doctor.Warning, "94": doctor.Warning, "95": doctor.Problem, "120": doctor.Problem} {
		judged(t, part, judgeMemory(facts{info: of("used_memory", part, "maxmemory", "100")}), want, part+" %")
	}
	judged(t, "another server", judgeEviction(facts{info: of()}), doctor.Unknown, "noeviction")
}

func TestSlotsOfAClusterAndSentinels(t *testing.T) {
	slots := func(masters, replicas int) (all []redis.ClusterSlot) {
		for i := range masters {
			nodes := []redis.ClusterNode{{Addr: fmt.Sprint("m", i)}}
			for range replicas {
				nodes = append(nodes, redis.ClusterNode{Addr: "r"})
			}
			all = append(all, redis.ClusterSlot{Start: i * allSlots / masters, End: (i+1)*allSlots/masters - 1, Nodes: nodes})
		}
		return all
	}
	for what, c := range map[string]struct {
		slots         []redis.ClusterSlot
		state, config map[string]string
		want          doctor.State
		text          string
	}{
		"three with replicas":    {slots(3, 1), nil, nil, doctor.OK, "3 masters"},
		"three, asked":           {slots(3, 1), map[string]string{"cluster_state": "ok"}, map[string]string{"cluster-require-full-coverage": "no"}, doctor.OK, "state ok"},
		"two":                    {slots(2, 1), nil, nil, doctor.Warning, "three masters or more"},
		"three without replicas": {slots(3, 0), nil, nil, doctor.Warning, "no replica: 3"},
		"a part without master":  {slots(3, 1)[:2], nil, nil, doctor.Problem, "10922 of 16384"},
		"a part that is away":    {slots(3, 1), map[string]string{"cluster_state": "ok", "cluster_slots_fail": "5461"}, nil, doctor.Problem, "5461 slots"},
		"down":                   {slots(3, 1), map[string]string{"cluster_state": "fail"}, nil, doctor.Problem, "state fail"},
		"all or nothing":         {slots(3, 1), nil, map[string]string{"cluster-require-full-coverage": "yes"}, doctor.Warning, "one lost part stops all"},
	} {
		judged(t, what, judgeCluster(c.slots, c.state, c.config), c.want, c.text)
	}
	judged(t, "three", sentinelAnswers{known: 3, quorum: "2"}.judge(nil), doctor.OK, "3 Sentinels, quorum 2")
	judged(t, "two", sentinelAnswers{known: 2}.judge(nil), doctor.Warning, "three Sentinels")
	judged(t, "one of three is silent", sentinelAnswers{known: 3}.judge([]string{"s:26379"}), doctor.Warning, "no answer from s:26379")
	judged(t, "no quorum", sentinelAnswers{known: 3, noQuorum: "NOQUORUM 1 usable"}.judge(nil), doctor.Problem, "NOQUORUM")
}

func TestRefusalsOfWrites(t *testing.T) {
	for text, want := range map[string]bool{
		"READONLY You can't write against a read only replica.": true, "OOM command not allowed": true, "MISCONF Redis is configured to save": true,
		"NOREPLICAS Not enough good replicas to write.": true, "CLUSTERDOWN Hash slot not served": true,
		"ERR The ID specified in XADD must be greater than 0-0": false, "NOPERM no": false,
	} {
		r, refused := judgeRefusal(errors.New(text))
		if refused != want || refused && (r.State != doctor.Problem || r.Fix == "") {
			t.Errorf("%s: %t, %+v", text, refused, r)
		}
	}
}
