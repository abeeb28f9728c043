package app

import (
	"fmt"
	"io"

	"github.com/gatehouse-bff/gatehouse/bff/internal/config"
	"github.com/gatehouse-bff/gatehouse/bff/internal/redisstore/redisconn"
	"github.com/gatehouse-bff/gatehouse/bff/internal/sqlstore/sqlconn"
)

// forOperators are connections for commands of the binary, a backup, an
// administrator.
const forOperators = 10

// PrintConnections prints, as comments, how many connections instances open to the
// stores, and the limits that the stores need for them.
func PrintConnections(w io.Writer, c *config.Config) error {
	if c.Embedded {
		return nil
	}
	of := sqlconn.Connections(c.MySQLMaxConnections)
	fmt.Fprintf(w, "# MySQL: an instance opens %d connections at most. max_connections: instances × %d, %d more for the instance that a rollout adds,\n"+
		"# and %d for commands and administrators: %d for 2 instances, %d for 4, %d for 8\n",
		of, of, of, forOperators, needed(2, of), needed(4, of), needed(8, of))
	of, eachMaster, err := redisconn.Connections(c.RedisURL.Reveal())
	if err != nil {
		return err
	}
	to := "Redis"
	if eachMaster {
		to = "Redis, each master"
	}
	fmt.Fprintf(w, "# %s: an instance opens %d connections at most (by the processors of this machine unless REDIS_URL has pool_size).\n"+
		"# maxclients: the same sum, %d for 2 instances, %d for 4, %d for 8, and replicas and Sentinels\n",
		to, of, needed(2, of), needed(4, of), needed(8, of))
	return nil
}

func needed(instances, of int) int { return (instances+1)*of + forOperators }
