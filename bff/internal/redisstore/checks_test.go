package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore"
	"github.com/gatehouse-bff/gatehouse/bff/internal/servertest"
)

// examine gives what the checks find, by their names.
func examine(t *testing.T, s *redisstore.Store) map[string]doctor.Finding {
	t.Helper()
	found := map[string]doctor.Finding{}
	for _, f := range doctor.Run(t.Context(), time.Minute, s.Checks()) {
		t.Logf("%s %s: %s (%s)", f.State, f.Check, f.Found, f.Fix)
		found[f.Check] = f
		if (f.State == doctor.OK) != (f.Fix == "") {
			t.Errorf("%s is %s, with the fix %q", f.Check, f.State, f.Fix)
		}
		if strings.Contains(f.Found+f.Fix, "hunter2") {
			t.Errorf("the password is shown: %+v", f)
		}
	}
	return found
}

// wants compares some findings, given as name, state, part of the text.
func wants(t *testing.T, found map[string]doctor.Finding, lines ...[3]string) {
	t.Helper()
	for _, w := range lines {
		f, ok := found[w[0]]
		if !ok || string(f.State) != w[1] || !strings.Contains(f.Found+" "+f.Fix, w[2]) {
			t.Errorf("%s is %s: %s; want %s, %q", w[0], f.State, f.Found, w[1], w[2])
		}
	}
}

func as(t *testing.T, server *servertest.RedisHandle, user string) *redisstore.Store {
	t.Helper()
	return open(t, strings.Replace(server.URL, "redis://", "redis://"+user+":hunter2@", 1), time.Now)
}

// everything stored, as bytes: DUMP of each key.
func everything(t *testing.T, server *servertest.RedisHandle) map[string]string {
	t.Helper()
	look, all := raw(t, server.URL), map[string]string{}
	names, err := look.Keys(t.Context(), "*").Result()
	must(t, err)
	for _, name := range names {
		all[name], err = look.Dump(t.Context(), name).Result()
		must(t, err)
	}
	return all
}

func TestChecksOfOneServer(t *testing.T) {
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	set := func(name, value string) {
		t.Helper()
		must(t, look.ConfigSet(t.Context(), name, value).Err())
	}
	set("appendfsync", "everysec")
	s := open(t, server.URL, time.Now)

	healthy := examine(t, s)
	for _, f := range healthy {
		if f.State != doctor.OK {
			t.Errorf("%s: %s", f.Check, f.Found)
		}
	}
	wants(t, healthy, [3]string{"redis.persistence", "ok", "append-only file everysec"}, [3]string{"redis.replication", "ok", "master, 0 replicas"},
		[3]string{"redis.tls", "ok", "this machine"}, [3]string{"redis.memory", "ok", "no maxmemory"})
	if left := everything(t, server); len(left) > 0 {
		t.Errorf("on an empty server the checks left %q", slices.Collect(maps.Keys(left)))
	}
	create(t, s, typical("u", "s", time.Now()))
	must(t, s.End(t.Context(), revocation(typical("u", "other", time.Now()), time.Now())))
	before := everything(t, server)
	examine(t, s)
	if !maps.Equal(before, everything(t, server)) || len(before) < 3 {
		t.Errorf("the checks changed what is stored, of %d keys", len(before))
	}

	set("maxmemory-policy", "allkeys-lru")
	wants(t, examine(t, s), [3]string{"redis.eviction", "warning", "noeviction"})
	set("maxmemory", "100mb")
	wants(t, examine(t, s), [3]string{"redis.eviction", "problem", "CONFIG SET maxmemory-policy noeviction"}, [3]string{"redis.memory", "ok", "of maxmemory 100.0 MiB"})
	set("maxmemory-policy", "noeviction")
	set("maxmemory", "1")
	wants(t, examine(t, s), [3]string{"redis.eviction", "ok", ""}, [3]string{"redis.memory", "problem", "Raise maxmemory"}, [3]string{"redis.writable", "problem", "OOM"})
	set("maxmemory", "0")
	set("appendfsync", "no")
	wants(t, examine(t, s), [3]string{"redis.persistence", "warning", "everysec"})
	set("appendonly", "no")
	wants(t, examine(t, s), [3]string{"redis.persistence", "problem", "nothing is kept on disk"})
	set("save", "60 1000")
	wants(t, examine(t, s), [3]string{"redis.persistence", "warning", "snapshots alone (save 60 1000)"})

	late := open(t, server.URL, func() time.Time { return time.Now().Add(-time.Hour) })
	wants(t, examine(t, late), [3]string{"redis.clock", "problem", "ahead of"})

	must(t, look.Do(t.Context(), "ACL", "SETUSER", "default", "resetpass", ">hunter2").Err())
	wants(t, examine(t, open(t, server.URL, time.Now)), [3]string{"redis.reachable", "problem", "REDIS_URL"})
	server.Stop()
	found := examine(t, s)
	wants(t, found, [3]string{"redis.reachable", "problem", "Start it"})
	if len(found) != 1 {
		t.Errorf("%d findings", len(found))
	}
}

// aclRule is what operations.md tells to give to Gatehouse, split.
func aclRule(t *testing.T) (rights []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	rule := regexp.MustCompile(`(?m)^ACL SETUSER gatehouse on >PASSWORD (.+)$`).FindSubmatch(text)
	if rule == nil {
		t.Fatal("operations.md has no line that begins with ACL SETUSER gatehouse")
	}
	return strings.Fields(string(rule[1]))
}

// rightsOf is the one check of what the user may do.
func rightsOf(t *testing.T, s *redisstore.Store) doctor.Finding {
	t.Helper()
	all := s.Checks()
	i := slices.IndexFunc(all, func(c doctor.Check) bool { return c.Name == "redis.rights" })
	return doctor.Run(t.Context(), time.Minute, all[i:i+1])[0]
}

// Of the documented user each right is missed when it is not there, and only it.
// What such a user may not ask is no problem.
func TestTheRightsThatAreCheckedAreThoseThatAreDocumented(t *testing.T) {
	server := servertest.Redis(t)
	look := raw(t, server.URL)
	give := func(user string, rights []string) {
		t.Helper()
		args := []any{"ACL", "SETUSER", user, "on", ">hunter2"}
		for _, right := range rights {
			args = append(args, right)
		}
		must(t, look.Do(t.Context(), args...).Err())
	}
	documented := aclRule(t)
	give("gatehouse", documented)
	found := examine(t, as(t, server, "gatehouse"))
	wants(t, found, [3]string{"redis.rights", "ok", "all that is needed"}, [3]string{"redis.version", "ok", "redis"}, [3]string{"redis.writable", "ok", ""},
		[3]string{"redis.eviction", "could_not_ask", "+info"}, [3]string{"redis.persistence", "could_not_ask", "+info"}, [3]string{"redis.clock", "could_not_ask", "+time"})

	checked := 0
	for i, right := range documented {
		if right[0] != '+' && right[0] != '~' || right == "+hello" { // which Redis never refuses
			continue
		}
		checked++
		few := slices.Delete(slices.Clone(documented), i, i+1)
		give("few", append([]string{"reset", "on", ">hunter2"}, few...))
		f := rightsOf(t, as(t, server, "few"))
		if f.State != doctor.Problem || f.Found != "the user lacks "+right {
			t.Errorf("without %s: %s: %s", right, f.State, f.Found)
		}
	}
	if checked < 25 {
		t.Errorf("only %d rights were found in the documentation", checked)
	}
	give("reader", []string{"reset", "on", ">hunter2", "%R~*", "+@all"})
	wants(t, examine(t, as(t, server, "reader")), [3]string{"redis.rights", "problem", "~refresh:* ~sessions:* ~revocations ~limit:* ~attempts:*"},
		[3]string{"redis.writable", "could_not_ask", "may not write"})
	give("none", []string{"reset", "on", ">hunter2"})
	wants(t, examine(t, as(t, server, "none")), [3]string{"redis.rights", "problem", "run this again"}, [3]string{"redis.writable", "could_not_ask", "may not write"},
		[3]string{"redis.version", "could_not_ask", "+client|setname"})
	single := strings.TrimPrefix(server.URL, "redis://")
	wants(t, examine(t, open(t, server.URL+"?addr="+single, time.Now)), [3]string{"redis.reachable", "problem", "take ?addr= out"})
}

func TestChecksOfAReplica(t *testing.T) {
	master, replica := servertest.Redis(t), servertest.Redis(t)
	replicate(t, master, replica)
	wants(t, examine(t, open(t, replica.URL, time.Now)), [3]string{"redis.replication", "problem", "it is a replica of"}, [3]string{"redis.writable", "problem", "READONLY"})
}

func TestChecksOfACluster(t *testing.T) {
	t.Parallel()
	c := servertest.ReplicatedCluster(t, 3)
	s := open(t, c.URL, time.Now)
	var looks []*redis.Client
	for _, m := range append(c.Masters, c.Replicas...) {
		looks = append(looks, raw(t, m.URL))
	}
	for i := range 20 { // a replica that was sent nothing yet is not listed
		create(t, s, typical(fmt.Sprint("u", i), "s", time.Now()))
	}
	eventually(t, "the replicas are known", func() error {
		for _, look := range looks {
			slots, err := look.ClusterSlots(t.Context()).Result() //nolint:staticcheck // as the check does: Redis 6.2 has no CLUSTER SHARDS
			if err == nil && slices.ContainsFunc(slots, func(s redis.ClusterSlot) bool { return len(s.Nodes) < 2 }) {
				err = errors.New("not all of them")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	healthy := examine(t, s)
	wants(t, healthy, [3]string{"redis.cluster", "ok", "3 masters, 16384 of 16384 slots, state ok"}, [3]string{"redis.rights", "ok", "on all 3 masters"},
		[3]string{"redis.eviction", "ok", "on all 3 masters"}, [3]string{"redis.version", "ok", ""}, [3]string{"redis.writable", "ok", ""},
		[3]string{"redis.replication", "ok", "1 replica"})
	must(t, raw(t, c.Masters[1].URL).ConfigSet(t.Context(), "maxmemory-policy", "volatile-lru").Err())
	wants(t, examine(t, s), [3]string{"redis.eviction", "warning", c.Masters[1].Addr() + ": maxmemory-policy is volatile-lru"})

	alone := open(t, c.Masters[0].URL, time.Now)
	wants(t, examine(t, alone), [3]string{"redis.version", "problem", "?addr="})

	acl := []any{"ACL", "SETUSER", "gatehouse", "on", ">hunter2"}
	for _, right := range aclRule(t) {
		acl = append(acl, right)
	}
	for _, m := range append(c.Masters, c.Replicas...) {
		must(t, raw(t, m.URL).Do(t.Context(), acl...).Err())
	}
	u, err := url.Parse(c.URL)
	must(t, err)
	u.User = url.UserPassword("gatehouse", "hunter2")
	for _, m := range c.Masters {
		must(t, raw(t, m.URL).Do(t.Context(), "ACL", "SETUSER", "gatehouse", "+cluster|slots").Err())
	}
	wants(t, examine(t, open(t, u.String(), time.Now)), [3]string{"redis.rights", "problem", "+cluster|shards +readonly"}, [3]string{"redis.cluster", "ok", "3 masters"})

	c.Masters[1].Kill() // of the replicas one takes over, and has none itself
	c.AwaitTakeover(1)
	eventually(t, "the new master is known", func() error { return s.Ping(t.Context()) })
	f := doctor.Run(context.WithoutCancel(t.Context()), time.Minute, s.Checks())
	if i := slices.IndexFunc(f, func(f doctor.Finding) bool { return f.Check == "redis.cluster" }); i < 0 || f[i].State == doctor.OK {
		t.Errorf("after the death of one: %+v", f)
	}
}

// A firewall that drops packets, and a server that is stopped, look like this.
func TestChecksOfAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() }) // the system accepts, and nothing reads
	where := l.Addr().String()
	for _, options := range []string{"?", "?addr=" + where + "&"} {
		s := open(t, "redis://"+where+options+"read_timeout=20ms", time.Now)
		wants(t, examine(t, s), [3]string{"redis.reachable", "problem", "takes connections and does not answer"})
	}
}

func TestChecksOfSentinels(t *testing.T) {
	t.Parallel()
	servers := servertest.Sentinel(t)
	s := open(t, servers.URL, time.Now)
	wants(t, examine(t, s), [3]string{"redis.reachable", "ok", ""}, [3]string{"redis.sentinel", "warning", "1 Sentinel, quorum 1: with the machine of one"},
		[3]string{"redis.replication", "ok", "1 replica"})
	u, err := url.Parse(servers.URL)
	must(t, err)
	wants(t, examine(t, open(t, servers.URL+"&addr=127.0.0.1:1", time.Now)), [3]string{"redis.sentinel", "warning", "no answer from 127.0.0.1:1"})
	wants(t, examine(t, open(t, "redis://"+u.Host, time.Now)), [3]string{"redis.version", "problem", "?master_name="})
	wants(t, examine(t, open(t, "redis://"+u.Host+"?master_name=others", time.Now)), [3]string{"redis.reachable", "problem", "SENTINEL MASTERS"})
}
