package redischecks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

func judgeTLS(raw string) doctor.Result {
	u, err := url.Parse(raw)
	if err != nil {
		return doctor.Result{State: doctor.Warning, Found: "REDIS_URL cannot be read", Fix: redisconn.Forms}
	}
	if u.Scheme == "rediss" {
		if skip := u.Query().Get("skip_verify"); skip == "true" || skip == "1" {
			return doctor.Result{State: doctor.Warning, Found: "TLS without a look at the certificate (skip_verify): another server can pose as this one",
				Fix: "Take skip_verify out; REDIS_TLS_CA names a file with the authority when it is a private one."}
		}
		return doctor.Result{State: doctor.OK, Found: "TLS"}
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return doctor.Result{State: doctor.OK, Found: "no TLS, on this machine"}
	}
	return doctor.Result{State: doctor.Warning, Found: "no TLS: the network sees the password and the sessions, and can make some",
		Fix: "Write rediss:// in REDIS_URL; REDIS_TLS_CA names a file with the authority when it is a private one."}
}

func (f facts) number(name string) int64 {
	n, _ := strconv.ParseInt(f.info[name], 10, 64)
	return n
}

func judgeEviction(f facts) doctor.Result {
	const fix = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf or the parameter group of a hosted server."
	policy, known := f.info["maxmemory_policy"]
	found := "maxmemory-policy is " + policy
	switch {
	case !known:
		return doctor.Result{State: doctor.Unknown, Found: "INFO does not say the maxmemory-policy", Fix: "See that it is noeviction: anything else forgets sessions."}
	case policy == "noeviction":
		return doctor.Result{State: doctor.OK, Found: found}
	case f.number("maxmemory") == 0:
		return doctor.Result{State: doctor.Warning, Found: found + ", and maxmemory is not set: once it is, sessions are forgotten", Fix: fix}
	}
	return doctor.Result{State: doctor.Problem, Found: found + ": at maxmemory sessions are forgotten, and ended ones forgotten to be ended", Fix: fix}
}

// Parts of maxmemory in use, in percent. Sessions are refused at 100.
const (
	memoryWarning = 75
	memoryProblem = 95
)

func judgeMemory(f facts) doctor.Result {
	used, most := f.number("used_memory"), f.number("maxmemory")
	if most == 0 {
		return doctor.Result{State: doctor.OK, Found: doctor.Bytes(used) + " in use, no maxmemory"}
	}
	part := 100 * float64(used) / float64(most)
	r := doctor.Result{State: doctor.OK, Found: fmt.Sprintf("%s of maxmemory %s in use (%.0f %%)", doctor.Bytes(used), doctor.Bytes(most), part)}
	switch {
	case part >= memoryProblem:
		r.State = doctor.Problem
	case part >= memoryWarning:
		r.State = doctor.Warning
	default:
		return r
	}
	r.Fix = "Raise maxmemory: at it sign-ins and renewals are 503. Plan 1.2 KB for a session (operations.md)."
	return r
}

func judgePersistence(f facts) doctor.Result {
	save, known := f.config["save"]
	snapshots := "snapshots alone, as far as INFO says"
	if known {
		snapshots = "snapshots alone (save " + save + ")"
	}
	const fix = "CONFIG SET appendonly yes and CONFIG REWRITE; hosted servers have a setting for it."
	switch {
	case f.info["aof_enabled"] == "":
		return doctor.Result{State: doctor.Unknown, Found: "INFO does not say whether there is an append-only file", Fix: "See that appendonly is yes."}
	case f.info["aof_enabled"] == "1" && f.info["aof_last_write_status"] != "" && f.info["aof_last_write_status"] != "ok":
		return doctor.Result{State: doctor.Problem, Found: "the last write to the append-only file failed", Fix: "See the server's log: the disk is full, or the file may not be written."}
	case f.info["aof_enabled"] == "1" && f.config["appendfsync"] == "no":
		return doctor.Result{State: doctor.Warning, Found: "append-only file with appendfsync no: a power cut takes half a minute of sign-ins and sign-outs", Fix: "CONFIG SET appendfsync everysec and CONFIG REWRITE."}
	case f.info["aof_enabled"] == "1":
		return doctor.Result{State: doctor.OK, Found: strings.TrimSpace("append-only file " + f.config["appendfsync"])}
	case known && save == "":
		return doctor.Result{State: doctor.Problem, Found: "nothing is kept on disk: a restart signs everybody out", Fix: fix}
	case f.info["rdb_last_bgsave_status"] == "err":
		return doctor.Result{State: doctor.Problem, Found: snapshots + ", and the last one failed", Fix: "See the server's log: the disk is full, or the file may not be written. " + fix}
	}
	return doctor.Result{State: doctor.Warning, Found: snapshots + ": a restart forgets the sign-ins since the last one, and brings back sessions that ended since", Fix: fix}
}

func judgeReplication(f facts) doctor.Result {
	replicas, least := f.number("connected_slaves"), f.config["min-replicas-to-write"]
	found := "master, " + doctor.Plural(int(replicas), "replica")
	if least != "" {
		found += ", min-replicas-to-write " + least
	}
	switch {
	case f.info["role"] == "slave":
		return doctor.Result{State: doctor.Problem, Found: "it is a replica of " + f.info["master_host"] + ":" + f.info["master_port"] + ", which takes no writes",
			Fix: "Let REDIS_URL lead to the master; with Sentinel or a Cluster, name it there so that a failover is followed."}
	case f.info["role"] == "":
		return doctor.Result{State: doctor.Unknown, Found: "INFO does not say the role", Fix: "See that it is a master."}
	case replicas == 0 && f.topology != redisconn.Server:
		return doctor.Result{State: doctor.Warning, Found: found + ": nothing takes over when it dies", Fix: "Start a replica and see that it is connected (INFO replication)."}
	case replicas >= 2 && least == "0" && f.topology == redisconn.Sentinel:
		return doctor.Result{State: doctor.Warning, Found: found + ": a master that is cut off from all of them takes sign-outs that are lost later", Fix: "CONFIG SET min-replicas-to-write 1 and CONFIG REWRITE, on each of them."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}

func (e *examination) clock(ctx context.Context) (doctor.Result, error) {
	return e.onEach(ctx, func(n node) (doctor.Result, error) {
		// The connection first: making one takes longer than the question.
		_ = n.Ping(ctx).Err()
		before := e.now()
		there, err := n.Time(ctx).Result()
		if redis.IsPermissionError(err) {
			return doctor.Result{Fix: "Let it for as long as this takes: ACL SETUSER … +time. Or compare `redis-cli TIME` with `date +%s`."}, errors.New("the account may not ask TIME")
		}
		if err != nil {
			return doctor.Result{}, err
		}
		return doctor.Clock("Redis'", before, there, e.now()), nil
	})
}
