package redischecks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
)

const (
	allSlots = 16384
	// majority: with three masters, or Sentinels, two agree when one is dead.
	majorityOf = 3
)

func (e *examination) cluster(ctx context.Context) (doctor.Result, error) {
	slots, err := e.rdb.ClusterSlots(ctx).Result()
	if err != nil {
		return doctor.Result{Fix: "The account needs +cluster|slots (operations.md has the whole line)."}, err
	}
	// Of an account that may not ask these, the rest is judged.
	state := map[string]string{}
	if text, err := e.rdb.ClusterInfo(ctx).Result(); err == nil {
		state = colonLines(text)
	}
	config := map[string]string{}
	if nodes, err := e.nodes(ctx); err == nil && len(nodes) > 0 {
		config = configOf(ctx, nodes[0])
	}
	return judgeCluster(slots, state, config), nil
}

func judgeCluster(slots []redis.ClusterSlot, state, config map[string]string) doctor.Result {
	covered, replicas := 0, map[string]int{}
	for _, s := range slots {
		if len(s.Nodes) > 0 {
			covered += s.End - s.Start + 1
			replicas[s.Nodes[0].Addr] = len(s.Nodes) - 1
		}
	}
	masters := len(replicas)
	var alone []string
	for addr, n := range replicas {
		if n == 0 {
			alone = append(alone, addr)
		}
	}
	found := fmt.Sprintf("%s, %d of %d slots", doctor.Plural(masters, "master"), covered, allSlots)
	if state["cluster_state"] != "" {
		found += ", state " + state["cluster_state"]
	}
	failing, _ := strconv.Atoi(state["cluster_slots_fail"])
	switch {
	case covered < allSlots:
		return doctor.Result{State: doctor.Problem, Found: found + ": sessions in the others cannot be read", Fix: "redis-cli --cluster check HOST:PORT, then --cluster fix."}
	case state["cluster_state"] != "" && state["cluster_state"] != "ok" || failing > 0:
		return doctor.Result{State: doctor.Problem, Found: fmt.Sprintf("%s, %d slots without a living master", found, failing), Fix: "Bring the masters back that CLUSTER NODES calls fail; operations.md says what is left to do when no replica is elected."}
	case masters < majorityOf:
		return doctor.Result{State: doctor.Warning, Found: found + ": a replica is elected by the majority of the masters, so the death of one is for good", Fix: "Have three masters or more, each with a replica."}
	case len(alone) > 0:
		return doctor.Result{State: doctor.Warning, Found: fmt.Sprintf("%s; no replica: %d of the masters", found, len(alone)), Fix: "Give each master a replica (CLUSTER REPLICATE), on another machine."}
	case config["cluster-require-full-coverage"] == "yes":
		return doctor.Result{State: doctor.Warning, Found: found + ", cluster-require-full-coverage yes: one lost part stops all", Fix: "CONFIG SET cluster-require-full-coverage no and CONFIG REWRITE, on each node."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}

func (e *examination) sentinel(ctx context.Context) (doctor.Result, error) {
	sentinels, set, err := e.source.Sentinels()
	if err != nil {
		return doctor.Result{}, err
	}
	var silent []string
	var errs []error
	answers := sentinelAnswers{}
	for _, c := range sentinels {
		if err := answers.ask(ctx, c, set); err != nil {
			silent, errs = append(silent, c.Addr), append(errs, fmt.Errorf("%s: %w", c.Addr, err))
		}
	}
	if answers.known == 0 && len(errs) > 0 {
		return doctor.Result{Fix: "See that the Sentinels of REDIS_URL run, and that its user may ask SENTINEL SENTINELS."}, errors.Join(errs...)
	}
	return answers.judge(silent), nil
}

// sentinelAnswers is what the Sentinels say of the set.
type sentinelAnswers struct {
	known    int    // the most Sentinels that one of them knows, itself included
	quorum   string // "" when it is not known
	noQuorum string // why they could not agree on a failover
}

func (a *sentinelAnswers) ask(ctx context.Context, c redisconn.SentinelClient, set string) error {
	defer func() { _ = c.Close() }()
	others, err := c.Sentinels(ctx, set).Result()
	if err != nil {
		return err
	}
	a.known = max(a.known, len(others)+1)
	// The rest may be refused to an account that only follows failovers.
	if master, err := c.Master(ctx, set).Result(); err == nil {
		a.quorum = master["quorum"]
	}
	if _, err := c.CkQuorum(ctx, set).Result(); err != nil && strings.HasPrefix(err.Error(), "NOQUORUM") {
		a.noQuorum = err.Error()
	}
	return nil
}

func (a sentinelAnswers) judge(silent []string) doctor.Result {
	found := doctor.Plural(a.known, "Sentinel")
	if a.quorum != "" {
		found += ", quorum " + a.quorum
	}
	switch {
	case a.noQuorum != "":
		return doctor.Result{State: doctor.Problem, Found: found + ": " + a.noQuorum, Fix: "Bring the other Sentinels back: until then a master that dies is not replaced."}
	case len(silent) > 0:
		return doctor.Result{State: doctor.Warning, Found: fmt.Sprintf("%s; no answer from %s", found, strings.Join(silent, ", ")), Fix: "Bring these Sentinels back, or take them out of REDIS_URL."}
	case a.known < majorityOf:
		return doctor.Result{State: doctor.Warning, Found: found + ": with the machine of one dies the majority that promotes a replica", Fix: "Have three Sentinels or more on machines of their own, and name them in REDIS_URL with ?addr=."}
	}
	return doctor.Result{State: doctor.OK, Found: found}
}
