package redischecks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

// probe is a right that the product needs, and a command that has need of it and
// changes nothing, whatever is stored: about keys that no account can have, or
// refused by Redis once the right has been looked at.
type probe struct {
	right   string // as ACL SETUSER takes it
	command []any
}

// Keys of package redisstore that no account can have: the ids of accounts are
// letters, digits and - and _.
const (
	probedRecord   = "refresh:{%21}:%21"
	probedIndex    = "sessions:{%21}"
	revocationsKey = "revocations"
	probedLimit    = "limit:!"
	probedAttempts = "attempts:!"
)

func probes(t redisconn.Topology) []probe {
	list := []probe{
		{"+ping", []any{"PING"}},
		{"+hello", []any{"HELLO"}},
		{"+client|setname", []any{"CLIENT", "SETNAME", redisconn.ClientName}},
		{"+get", []any{"GET", probedRecord}},
		{"+set", []any{"SET", probedRecord, "", "XX", "PX", 1}},
		{"+del", []any{"DEL", probedRecord}},
		{"+exists", []any{"EXISTS", revocationsKey}},
		{"+pexpire", []any{"PEXPIRE", probedIndex, 1}},
		{"+zadd", []any{"ZADD", probedIndex, "XX", 1, "!"}},
		{"+zrange", []any{"ZRANGE", probedIndex, 0, 0}},
		{"+zrevrange", []any{"ZREVRANGE", probedIndex, 0, 0}},
		{"+zrem", []any{"ZREM", probedIndex, "!"}},
		{"+zremrangebyscore", []any{"ZREMRANGEBYSCORE", probedIndex, 1, 1}},
		{"+zscan", []any{"ZSCAN", probedIndex, 0, "COUNT", 1}},
		{"+xadd", []any{"XADD", revocationsKey, "0-0", "!", "!"}}, // ids begin at 0-1
		{"+xread", []any{"XREAD", "COUNT", 1, "STREAMS", revocationsKey, "$"}},
		{"+xinfo|stream", []any{"XINFO", "STREAM", revocationsKey}},
		{"+xrange", []any{"XRANGE", revocationsKey, "0-0", "0-0"}},
		{"+xtrim", []any{"XTRIM", revocationsKey, "MINID", "0-0"}},
		{"+eval", []any{"EVAL", "return 1", 0}},
		{"+evalsha", []any{"EVALSHA", strings.Repeat("0", 40), 0}},
		// Patterns of keys: one command that reads, one that writes.
		{"~refresh:*", []any{"GET", probedRecord}},
		{"~refresh:*", []any{"DEL", probedRecord}},
		{"~sessions:*", []any{"ZRANGE", probedIndex, 0, 0}},
		{"~sessions:*", []any{"ZREM", probedIndex, "!"}},
		{"~revocations", []any{"EXISTS", revocationsKey}},
		{"~revocations", []any{"XTRIM", revocationsKey, "MINID", "0-0"}},
		{"~limit:*", []any{"GET", probedLimit}},
		{"~limit:*", []any{"DEL", probedLimit}},
		{"~attempts:*", []any{"GET", probedAttempts}},
		{"~attempts:*", []any{"DEL", probedAttempts}},
	}
	if t == redisconn.Cluster {
		list = append(list, probe{"+cluster|slots", []any{"CLUSTER", "SLOTS"}}, probe{"+cluster|shards", []any{"CLUSTER", "SHARDS"}},
			probe{"+readonly", []any{"READONLY"}})
	}
	return list
}

// rights asks for each by using it: ACL DRYRUN and ACL GETUSER are rights of an
// administrator.
func (e *examination) rights(ctx context.Context) (doctor.Result, error) {
	return e.onEach(ctx, func(n node) (doctor.Result, error) {
		missing, first, err := missingRights(ctx, n, probes(e.source.Topology()))
		if err != nil {
			return doctor.Result{}, err
		}
		if len(missing) == 0 {
			return doctor.Result{State: doctor.OK, Found: "the user may do all that is needed"}, nil
		}
		fix := "ACL SETUSER, with the user of REDIS_URL: " + strings.Join(missing, " ") + " (operations.md has the whole line); on every node, and ACL SAVE."
		if first {
			fix += " Connections begin with it: run this again then, others may be missing."
		}
		return doctor.Result{State: doctor.Problem, Found: "the user lacks " + strings.Join(missing, " "), Fix: fix}, nil
	})
}

// missingRights gives those of wanted that the user lacks; first: no other could be
// asked for, as every connection begins with that one.
func missingRights(ctx context.Context, n node, wanted []probe) (missing []string, first bool, err error) {
	pipe := n.Pipeline()
	var answers []*redis.Cmd
	for _, p := range wanted {
		answers = append(answers, pipe.Do(ctx, p.command...))
	}
	_, failure := pipe.Exec(ctx)
	if failed := func(c *redis.Cmd) bool { return c.Err() != nil }; !slices.ContainsFunc(answers, failed) && failure != nil {
		if m := refusedCommand.FindStringSubmatch(failure.Error()); m != nil {
			return []string{"+" + m[1]}, true, nil
		}
		return nil, false, failure
	}
	seen := map[string]bool{}
	for i, p := range wanted {
		err := answers[i].Err()
		if err != nil && !isReply(err) {
			return nil, false, err
		}
		// A key that is refused says nothing of the command, and the other way
		// round: each has its own line.
		if redis.IsPermissionError(err) && aboutKey(err) == (p.right[0] == '~') && !seen[p.right] {
			seen[p.right] = true
			missing = append(missing, p.right)
		}
	}
	return missing, false, nil
}

// refusedCommand is in both wordings that servers have for it.
var refusedCommand = regexp.MustCompile(`^NOPERM .* run the '([a-z|]+)' command`)

// isReply distinguishes an answer of Redis, an empty one included, from none.
func isReply(err error) bool {
	_, reply := errors.AsType[redis.Error](err)
	return reply
}

// aboutKey distinguishes the two refusals: "this user has no permissions to run the
// 'get' command", and "… to access a key" or "one of the keys".
func aboutKey(err error) bool { return !refusedCommand.MatchString(err.Error()) }

// writable has Redis look at a write: what is full, a replica or broken refuses it.
func (e *examination) writable(ctx context.Context) (doctor.Result, error) {
	looked := false // rights come first: an account that may not write learns nothing else
	for _, command := range [][]any{
		{"SET", probedRecord, "", "XX", "PX", 1},
		{"XADD", revocationsKey, "0-0", "!", "!"},
	} {
		err := e.rdb.Do(ctx, command...).Err()
		if redis.IsPermissionError(err) {
			continue
		}
		if looked = true; err == nil {
			continue
		}
		if r, refused := judgeRefusal(err); refused {
			return r, nil
		}
		if !isReply(err) {
			return doctor.Result{}, err
		}
	}
	if !looked {
		return doctor.Result{Fix: "Give it the rights that redis.rights names, and run this again."}, errors.New("the account may not write")
	}
	return doctor.Result{State: doctor.OK, Found: "it takes writes"}, nil
}

func judgeRefusal(err error) (doctor.Result, bool) {
	for prefix, fix := range map[string]string{
		"READONLY":    "Let REDIS_URL lead to the master; with Sentinel or a Cluster, name it there so that a failover is followed.",
		"OOM":         "Raise maxmemory, or have more of it: operations.md says what a session takes.",
		"MISCONF":     "The disk is full or the file cannot be written: see the server's log, and LASTSAVE.",
		"NOREPLICAS":  "Bring the replicas back that min-replicas-to-write asks for, or lower it.",
		"CLUSTERDOWN": "CLUSTER INFO at a node says how many slots are not served; operations.md says what to do about it.",
	} {
		if strings.HasPrefix(err.Error(), prefix) {
			return doctor.Result{State: doctor.Problem, Found: fmt.Sprintf("a write that changes nothing was refused: %v", err), Fix: fix}, true
		}
	}
	return doctor.Result{}, false
}
